import type { Writer } from "./writer.ts";

/** Writes a message behind its u32 length. `depth` is 1 for the outermost one. */
export type EncodeStruct = (w: Writer, value: unknown, depth: number) => void;

/** Reads the message that begins at `start`; bytes behind it, up to `end`, are none of its business. */
export type DecodeStruct = (bytes: Uint8Array, start: number, end: number, depth: number) => object;

/**
 * What encodes and decodes the types of one schema: the interpreter, or generated code. Functions stand at
 * the index of their type.
 */
export interface Engine {
  readonly encoders: readonly EncodeStruct[];
  readonly decoders: readonly DecodeStruct[];
  /** Where the message ended that was decoded last. */
  stop(): number;
}
