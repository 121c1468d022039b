import type { ProtocolErrorCode } from "../core/index.ts";

/** A piece of bytes and what it means. */
export interface Part {
  /** Name of the field, `[3]` for an item, `?` for what could not be read. */
  readonly name: string;
  /** Index of the first byte. */
  readonly start: number;
  /** Index after the last byte. */
  readonly end: number;
  /** As it is described: `u16be`, `enum u8`, `utf8`, `struct`. */
  readonly type: string;
  /** The value that `decode` returns; of fields that are no part of it, what is on the wire. */
  readonly value?: unknown;
  /** More for readers: what a size counts, the number behind a name. */
  readonly note?: string | undefined;
  /** For parts of bytes: which bits of the bytes from `start` to `end`. */
  readonly bits?: PartBits | undefined;
  /** True if the field is no part of the value. */
  readonly hidden?: boolean | undefined;
  /** The pieces that it is made of, without gaps. */
  readonly parts?: readonly Part[] | undefined;
  /** Of packed or escaped bytes: what they stand for, and what that means. Places in it count in those bytes. */
  readonly unpacked?: { readonly bytes: Uint8Array; readonly part: Part } | undefined;
  /** On the outermost part: the error that `decode` throws. */
  readonly error?: PartError | undefined;
}

/** Which bits a part takes. */
export interface PartBits {
  /** The first bit, counted from the highest of the first byte; from its lowest if `low` is true. */
  readonly first: number;
  readonly count: number;
  /** True for structs with `bits: "low"`. */
  readonly low?: boolean | undefined;
}

/** Why bytes are refused. */
export interface PartError {
  readonly code: ProtocolErrorCode;
  readonly message: string;
  readonly offset?: number | undefined;
  readonly path?: readonly (string | number)[] | undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A part while it is made. */
export interface Draft extends Writable<Omit<Part, "parts">> {
  parts?: Draft[];
}
