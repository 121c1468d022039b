import type { Codec, Output } from "../core/index.ts";
import { leftOver } from "./field-error.ts";
import type { FieldNode } from "./node.ts";

/** The end of the last `read`: one number instead of a tuple for every field. */
export interface Cursor {
  at: number;
}

/**
 * A description of bytes. Every field is a codec that fills `[start, end)` exactly, so you can use it
 * wherever a codec is expected: in any framing, in `perMessage()`, in another field.
 *
 * `In` is the type of values that you send, `Out` of those that you receive: members with defaults may be
 * missing in `In` and are always present in `Out`.
 */
export interface Field<in In, out Out = In> extends Codec<In, Out> {
  /**
   * The description of the field, as plain data for tools.
   *
   * @experimental New kinds may appear in minor versions: tools need a default branch.
   */
  readonly node: FieldNode;
  /** Size in bytes if it is always the same, else -1. */
  readonly fixed: number;
  /** Smallest size in bytes. */
  readonly least: number;
  /** Size in bits if the field is a part of a byte, else 0. */
  readonly bits: number;
  /** True if the field extends to the end of its window, so nothing but fixed fields can follow it there. */
  readonly open: boolean;
  /**
   * Reads the field that begins at `at`, no further than `end`, and sets `cursor.at` to the position after it, as
   * the last thing it does.
   *
   * @throws ProtocolError `malformed`, with path and offset
   */
  read(bytes: Uint8Array, at: number, end: number, cursor: Cursor): Out;
  /**
   * Appends the field to `out`.
   *
   * @throws ProtocolError `unencodable`, with path
   */
  write(value: In, out: Output): void;
}

/** Any field, if its types do not matter. */
export type AnyField = Field<never, unknown>;

/** A field whose types have been erased, for internal use. @internal */
export type Erased = Field<unknown> & FieldParts;

/** A plain number on the wire: it can be a length, a count, a checksum, or carry names. */
export interface NumberField<in In = number, out Out = number> extends Field<In, Out> {
  readonly numeric: true;
}

/** A number of any width, as lengths and counts take it. */
export type AnyNumber = NumberField<never, number | bigint>;

/** Not part of the value: the library writes and checks it. */
export interface Hidden {
  readonly hidden: true;
}

/** May be missing in a sent value. */
export interface MayLack {
  readonly mayLack: true;
}

/** Names other fields of its struct. */
export interface Names<out T extends string> {
  readonly target: T;
}

/** Length of bytes, text or lists: nothing (up to the end of the window), a number, or a number field before them. */
export type Length = number | AnyNumber;

/** Members of a field for structs, not for users. @internal */
interface FieldParts {
  readonly hidden?: true | undefined;
  readonly mayLack?: true | undefined;
  readonly numeric?: true | undefined;
  /** For numbers of fixed size: reads one whose bytes are available. */
  readonly get?: ((bytes: Uint8Array, at: number) => unknown) | undefined;
  /** For parts of bytes: the meaning of the raw number. */
  fromBits?(n: number, at: number): unknown;
  toBits?(value: unknown): number;
  /** Lays out a struct that has this field in it; see describers. */
  readonly layOut?: unknown;
}

/** The parts of a field that its combinator provides; the others are derived. */
interface Definition<In, Out> {
  readonly node: FieldNode;
  readonly fixed?: number;
  readonly least: number;
  readonly bits?: number;
  readonly open?: boolean;
  readonly text?: true | undefined;
  read(bytes: Uint8Array, at: number, end: number, cursor: Cursor): Out;
  write(value: In, out: Output): void;
}

// Passed down by `decode`. A nested decode may move it, so it must be set again after a user's function was
// called.
const shared: Cursor = { at: 0 };

/** Makes a field from its parts. @internal */
export function makeField<In, Out, More extends object = object>(
  definition: Definition<In, Out>,
  more?: More,
): Field<In, Out> & More {
  const { read, write } = definition;
  return Object.freeze({
    fixed: -1,
    bits: 0,
    open: false,
    decode(bytes: Uint8Array, start: number, end: number): Out {
      const value = read(bytes, start, end, shared);
      if (shared.at !== end) throw leftOver(shared.at, end);
      return value;
    },
    encode: write,
    ...definition,
    ...more,
  }) as unknown as Field<In, Out> & More;
}

/** The field without its types. @internal */
export const erased = (field: AnyField): Erased => field as unknown as Erased;

/**
 * The field without its types, if it can stand alone.
 *
 * @throws TypeError if it is not a field, is a part of a byte, or only has a meaning as a member of a struct
 * @internal
 */
export function standing(field: AnyField, where: string): Erased {
  if (typeof field?.read !== "function" || field.node === undefined) {
    throw new TypeError(`${where} needs a field, not ${field === null ? "null" : typeof field}`);
  }
  if (field.bits > 0) {
    throw new TypeError(`${where} cannot hold ${field.bits} bits: they are members of a struct`);
  }
  if (erased(field).layOut !== undefined) {
    throw new TypeError(`${where} cannot hold "${field.node.kind}": it is a member of a struct`);
  }
  return erased(field);
}

/** Like {@link standing}, for items: each must end by itself. @internal */
export function ending(field: AnyField, where: string): Erased {
  if (standing(field, where).open) {
    throw new TypeError(`${where}: each item needs an end of its own; put it into prefixed(...)`);
  }
  return erased(field);
}
