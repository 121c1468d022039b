import { type Framing, ProtocolError, Splitter } from "../../src/index.ts";

// How tests cut, feed and look at bytes. No node imports: browsers use this too.

/** Each character as one byte: what tests write down as text. */
export function ascii(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** The inverse of {@link ascii}. */
export function text(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** All bytes of `parts`, in fresh memory. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Are these the same bytes? Much faster than `toEqual` for long ones. */
export function sameBytes(a: Uint8Array, b: ArrayLike<number>): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/**
 * The same bytes, somewhere inside of a larger buffer full of `poison`: who forgets `byteOffset`, `start` or
 * `end` reads or writes poison.
 */
export function poisoned(bytes: Uint8Array, poison = 0xee): Uint8Array<ArrayBuffer> {
  const around = new Uint8Array(bytes.length + 12).fill(poison);
  around.set(bytes, 7);
  return around.subarray(7, 7 + bytes.length);
}

/** `bytes` cut behind every `size` bytes, each piece in poisoned memory of its own. */
export function everySize(bytes: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    pieces.push(poisoned(bytes.subarray(at, at + size)));
  }
  return pieces;
}

/** What a ProtocolError says; anything else that is thrown is thrown on. */
export interface Failure {
  readonly code: string;
  readonly offset: number | undefined;
  readonly message: string;
}

/** The ProtocolError that `run` throws, or undefined when it throws nothing. */
export function failureOf(run: () => unknown): Failure | undefined {
  try {
    run();
  } catch (error) {
    // By name: a test may have loaded a second copy of the core.
    if (!(error instanceof Error) || error.name !== "ProtocolError") throw error;
    const { code, offset, message } = error as ProtocolError;
    return { code, offset, message };
  }
  return undefined;
}

/** The ProtocolError that `run` throws. Anything else that is thrown is thrown on; nothing is an error too. */
export function errorOf(run: () => unknown): ProtocolError {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** What a splitter found. */
export interface Found {
  /** The frames, in memory of their own. */
  readonly frames: readonly Uint8Array[];
  readonly offsets: readonly number[];
  readonly failure: Failure | undefined;
}

/** Reads `chunks` to the end of the stream, all frames after each chunk. */
export function readAll(framing: Framing, chunks: readonly Uint8Array[]): Found {
  const splitter = new Splitter(framing);
  const frames: Uint8Array[] = [];
  const offsets: number[] = [];
  const drain = (): void => {
    while (splitter.next()) {
      frames.push(splitter.bytes.slice(splitter.start, splitter.end));
      offsets.push(splitter.offset);
    }
  };
  const failure = failureOf(() => {
    for (const chunk of chunks) {
      splitter.push(chunk);
      drain();
    }
    splitter.finish();
    // What the framing takes for a frame once it is told of the end.
    drain();
  });
  return { frames, offsets, failure };
}
