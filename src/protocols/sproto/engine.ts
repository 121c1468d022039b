import type { Writer } from "./writer.ts";

/** Writes a message after its u32 length. `depth` is 1 for the outermost one. */
export type EncodeStruct = (w: Writer, value: unknown, depth: number) => void;

/** Reads the message that begins at `start`; bytes after it, up to `end`, are ignored. */
export type DecodeStruct = (bytes: Uint8Array, start: number, end: number, depth: number) => object;

/**
 * Encodes and decodes the types of one schema: the interpreter, or generated code. Functions are at
 * the index of their type.
 */
export interface Engine {
  readonly encoders: readonly EncodeStruct[];
  readonly decoders: readonly DecodeStruct[];
  /** Returns the end of the last decoded message. */
  stop(): number;
}
