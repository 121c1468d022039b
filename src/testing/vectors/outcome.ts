import type { Arbitrary } from "fast-check";
import { type Codec, ProtocolError, type ProtocolErrorCode } from "../../core/index.ts";
import { readStream } from "../stream.ts";
import { Subject } from "../subject.ts";

/** The result of reading bytes. */
export interface Outcome {
  /** The values before the error. */
  readonly values: readonly unknown[];
  /** The error code; undefined without an error. */
  readonly error: ProtocolErrorCode | undefined;
}

/** A strict subject without values of its own. Needs no fast-check. */
export const subjectOf = (codec: Codec<never, unknown>): Subject =>
  new Subject(codec as Codec<unknown>, NONE, {}, true);

const NONE = undefined as unknown as Arbitrary<unknown>;

/**
 * Reads bytes that are the whole input, in pieces that end at the cuts. Only ProtocolErrors are results;
 * other errors are thrown.
 */
export function outcomeOf(
  subject: Subject,
  bytes: Uint8Array,
  cuts: readonly number[] = [],
): Outcome {
  const reader = subject.reader();
  if (!subject.framed) {
    if (bytes.length > reader.maxFrame) return { values: [], error: "too-long" };
    try {
      return { values: subject.decode(reader, bytes, 0, bytes.length), error: undefined };
    } catch (error) {
      if (error instanceof ProtocolError) return { values: [], error: error.code };
      throw error;
    }
  }
  const ends = [...cuts, bytes.length];
  const pieces = ends.map((end, i) => bytes.slice(ends[i - 1] ?? 0, end));
  const { values, code } = readStream(subject, reader, pieces);
  return { values: values.flat(), error: code };
}
