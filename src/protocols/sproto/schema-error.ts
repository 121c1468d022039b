import { nameError, ProtocolError } from "../../core/index.ts";

/** A position in the text of a schema. */
export interface Place {
  /** The text, as passed to `parse`. */
  readonly text: string;
  /** Name of the text, such as a file name, if it has one. */
  readonly source: string | undefined;
  /** Index in the text, in UTF-16 units. */
  readonly at: number;
}

/**
 * A syntax or type error in a schema text: a ProtocolError `malformed` with line and column.
 *
 * The message begins with the position, `login.sproto:2:6: `, followed by the reason.
 */
export class SchemaError extends ProtocolError {
  /** Name of the text, if it was passed with one. */
  readonly source?: string | undefined;
  /** Line of the error, from 1. */
  readonly line: number;
  /** Column of the error, from 1, in UTF-16 units. */
  readonly column: number;

  /**
   * @param place - position of the error
   * @param reason - what is wrong
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
