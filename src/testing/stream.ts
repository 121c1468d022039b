import { ProtocolError, type ProtocolErrorCode, type Scan, Splitter } from "../core/index.ts";
import type { AnyProtocol, Subject } from "./subject.ts";
import { Violation } from "./violation.ts";

/** The result of reading a stream. */
export interface Outcome {
  /** Stream offset at which each frame begins: not always the end of the previous one. */
  readonly starts: readonly number[];
  /** Stream offset at which each frame ends. */
  readonly ends: readonly number[];
  /** The values of each frame. */
  readonly values: readonly (readonly unknown[])[];
  /** The error code at the end; undefined for a clean end. */
  readonly code: ProtocolErrorCode | undefined;
}

/**
 * Reads a stream to its end, as every connection does, except that any error of a codec other than a
 * ProtocolError breaks the law.
 * @internal
 */
export function readStream(
  subject: Subject,
  reader: AnyProtocol,
  chunks: Iterable<Uint8Array>,
): Outcome {
  const starts: number[] = [];
  const ends: number[] = [];
  const values: (readonly unknown[])[] = [];
  const strict = new Strict(subject, reader);
  const splitter = new Splitter(strict);
  const drain = (): void => {
    while (splitter.next()) {
      const { bytes, start, end, offset } = splitter;
      values.push(subject.decode(reader, bytes, start, end));
      starts.push(offset);
      ends.push(offset + end - start);
    }
  };
  let code: ProtocolErrorCode | undefined;
  try {
    for (const chunk of chunks) {
      splitter.push(chunk);
      drain();
    }
    splitter.finish();
    drain();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    code = error.code;
  }
  strict.check();
  return { starts, ends, values, code };
}

/** A framing that records errors which the splitter would turn into a ProtocolError. */
export class Strict {
  readonly maxFrame: number;
  readonly #subject: Subject;
  readonly #reader: AnyProtocol;
  #violation: Violation | undefined;

  constructor(subject: Subject, reader: AnyProtocol) {
    this.maxFrame = reader.maxFrame;
    this.#subject = subject;
    this.#reader = reader;
  }

  measure(bytes: Uint8Array, start: number, end: number, scan: Scan): number {
    try {
      return this.#subject.measure(this.#reader, bytes, start, end, scan);
    } catch (error) {
      if (error instanceof Violation) this.#violation = error;
      throw error;
    }
  }

  check(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }
}
