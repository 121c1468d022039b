import type { ProtocolErrorCode } from "../core/index.ts";

/** A range of bytes and its meaning. */
export interface Part {
  /** Name of the field, `[3]` for an item, `?` for bytes that could not be read. */
  readonly name: string;
  /** Index of the first byte. */
  readonly start: number;
  /** Index after the last byte. */
  readonly end: number;
  /** Type of the field: `u16be`, `enum u8`, `utf8`, `struct`. */
  readonly type: string;
  /** The value that `decode` returns; for a field that is not in that value, the value on the wire. */
  readonly value?: unknown;
  /** Additional information: what a size counts, the number of a name. */
  readonly note?: string | undefined;
  /** For parts smaller than a byte: the bits within the bytes from `start` to `end`. */
  readonly bits?: PartBits | undefined;
  /** True if the field is not part of the value. */
  readonly hidden?: boolean | undefined;
  /** The parts of this one, without gaps. */
  readonly parts?: readonly Part[] | undefined;
  /**
   * For packed or escaped bytes: the unpacked bytes and their meaning. Positions in that part refer to the
   * unpacked bytes.
   */
  readonly unpacked?: { readonly bytes: Uint8Array; readonly part: Part } | undefined;
  /** On the outermost part: the error that `decode` throws. */
  readonly error?: PartError | undefined;
}

/** The bits of a part. */
export interface PartBits {
  /** The first bit, counted from the highest of the first byte; from its lowest if `low` is true. */
  readonly first: number;
  readonly count: number;
  /** True for structs with `bits: "low"`. */
  readonly low?: boolean | undefined;
}

/** The error of invalid bytes. */
export interface PartError {
  readonly code: ProtocolErrorCode;
  readonly message: string;
  readonly offset?: number | undefined;
  readonly path?: readonly (string | number)[] | undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** A part under construction. */
export interface Draft extends Writable<Omit<Part, "parts">> {
  parts?: Draft[];
}
