import { nameError, ProtocolError } from "../../core/index.ts";

/** A position in the text of a schema. */
export interface Place {
  /** The text, as it was given to `parse`. */
  readonly text: string;
  /** Name of the text, if it has one: a file name, say. */
  readonly source: string | undefined;
  /** Index in the text, in UTF-16 units. */
  readonly at: number;
}

/**
 * A syntax or type error in a schema text: a ProtocolError `malformed` with line and column.
 *
 * The message begins with the position, `login.sproto:2:6: `, and says what is wrong there.
 */
export class SchemaError extends ProtocolError {
  /** Name of the text, where several were given with their names. */
  readonly source?: string | undefined;
  /** Line of the offending place, from 1. */
  readonly line: number;
  /** Column of the offending place, from 1, in UTF-16 units. */
  readonly column: number;

  /**
   * @param place - where
   * @param reason - what is wrong there
   */
  constructor(place: Place, reason: string) {
    const before = place.text.slice(0, place.at).split("\n");
    const line = before.length;
    const column = before[line - 1]!.length + 1;
    const source = place.source === undefined ? "" : `${place.source}:`;
    super("malformed", `${source}${line}:${column}: ${reason}`, place.at);
    this.source = place.source;
    this.line = line;
    this.column = column;
  }
}

nameError(SchemaError, "SchemaError");
