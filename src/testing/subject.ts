import type { Arbitrary } from "fast-check";
import {
  asProtocolError,
  type Codec,
  encodeFrame,
  forOneStream,
  type MessageProtocol,
  newScan,
  Output,
  type Protocol,
  ProtocolError,
  type Scan,
  textOf,
} from "../core/index.ts";
import { equal } from "./equal.ts";
import type { LawOptions } from "./options.ts";
import { isSeveral } from "./several.ts";
import { shown } from "./show.ts";
import { demand, type Evidence, Violation } from "./violation.ts";

/** A protocol without its types: laws treat all protocols alike. */
export type AnyProtocol = Protocol<unknown, unknown>;

/** Frames that are written one after the other. */
export interface Written {
  readonly sent: readonly unknown[];
  readonly frames: readonly Uint8Array[];
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The end of each frame. */
  readonly ends: readonly number[];
}

/** A call of the protocol. */
export interface Call {
  readonly what: "measure" | "decode" | "encode";
  readonly bytes: Uint8Array | undefined;
  /** The value to encode. */
  readonly value?: unknown;
  /** Time at which it began, from `Date.now`. */
  readonly since: number;
  again(): void;
}

/**
 * A protocol under test, and the expectations. If a codec throws an error other than a ProtocolError, it
 * has refused the bytes, as in the library itself; for a strict subject that breaks the law.
 * @internal
 */
export class Subject {
  readonly name: string;
  /** The codec as it was passed. */
  readonly codec: Codec<unknown, unknown>;
  /** Replaced by a law that chooses its values. */
  values: Arbitrary<unknown>;
  readonly options: LawOptions<unknown, unknown>;
  /** True if it has a framing, for streams. */
  readonly framed: boolean;
  /** True for pieces of a stream rather than frames. */
  readonly loose: boolean;
  /** True if each connection has its own object and state. */
  readonly stateful: boolean;
  /** Number of values written, and of values refused because no frame can be that large. */
  readonly tally: { written: number; tooBig: number } = { written: 0, tooBig: 0 };

  /** Findings of a law that are not failures. */
  readonly notes: string[] = [];
  /** The running call, or the last one: reported if it never returns. */
  call: Call | undefined;
  /** The subject that `call` belongs to. */
  caller: { call: Call | undefined } = this;

  readonly #writer: AnyProtocol;
  readonly #reader: AnyProtocol;
  readonly #strict: boolean;

  constructor(
    codec: Codec<unknown, unknown>,
    values: Arbitrary<unknown>,
    options: LawOptions<unknown, unknown>,
    strict = false,
  ) {
    this.codec = codec;
    this.#strict = strict;
    this.#writer = complete(codec);
    this.#reader = complete((options.reader as Codec<unknown, unknown> | undefined) ?? codec);
    this.name = this.#writer.name;
    this.values = values;
    this.options = options;
    this.framed = "measure" in this.#reader;
    this.loose = this.#reader.loose === true;
    this.stateful = [this.#writer, this.#reader].some((side) => side.perConnection !== undefined);
  }

  /** The protocol object that writes, for one connection. */
  writer(): AnyProtocol {
    return forOneStream(this.#writer);
  }

  /** The protocol object that reads, for one connection. */
  reader(): AnyProtocol {
    return forOneStream(this.#reader);
  }

  /** The bytes of a value on the wire, in their own memory; undefined if it is too big for a frame. */
  frame(value: unknown, writer: AnyProtocol = this.writer()): Uint8Array<ArrayBuffer> | undefined {
    this.#calls("encode", undefined, () => void encodeFrame(writer, value), value);
    try {
      const frame = encodeFrame(writer, value).slice();
      this.tally.written++;
      return frame;
    } catch (error) {
      if (this.#isTooBig(value)) {
        this.tally.tooBig++;
        return undefined;
      }
      const text = `encode refuses a value of the arbitrary (${said(error)}). If that is intended, `;
      throw new Violation(`${text}keep such values out of the arbitrary`, {}, { cause: error });
    }
  }

  /** Writes several values over one connection; values that are too big are left out. */
  write(values: readonly unknown[]): Written {
    const writer = this.writer();
    const sent: unknown[] = [];
    const frames: Uint8Array[] = [];
    for (const value of values) {
      const frame = this.frame(value, writer);
      if (frame === undefined) continue;
      sent.push(value);
      frames.push(frame);
    }
    return { sent, frames, ...joined(frames) };
  }

  /** The bytes of a value of any length; undefined if the codec itself refuses it. */
  unlimited(value: unknown): Uint8Array<ArrayBuffer> | undefined {
    const out = new Output();
    const writer = this.writer();
    this.#calls("encode", undefined, () => writer.encode(value, new Output()), value);
    try {
      writer.encode(value, out);
    } catch {
      return undefined;
    }
    return out.take();
  }

  /** The length of a frame, which may be too long; undefined if the value cannot be written at all. */
  lengthOf(value: unknown): number | undefined {
    const writer = this.writer();
    this.#calls("encode", undefined, () => void encodeFrame(writer, value), value);
    try {
      return encodeFrame(writer, value).length;
    } catch {
      return this.unlimited(value)?.length;
    }
  }

  /**
   * True if no frame can hold the value: by its length if it can be written, else estimated from its
   * contents.
   */
  #isTooBig(value: unknown): boolean {
    const { maxFrame } = this.#writer;
    const length = this.unlimited(value)?.length;
    if (length !== undefined) return length > maxFrame;
    return contentOf(value) >= maxFrame - Math.min(64, maxFrame >> 2);
  }

  /**
   * Calls `measure`, with at most `maxFrame` bytes. ProtocolErrors are thrown; everything else breaks the
   * law.
   */
  measure(
    reader: AnyProtocol,
    bytes: Uint8Array,
    start: number,
    end: number,
    scan: Scan = newScan(),
  ): number {
    const stop = Math.min(end, start + reader.maxFrame);
    let length: unknown;
    const copy = { ...scan };
    const again = (): void => void reader.measure(bytes, start, stop, copy);
    this.#calls("measure", bytes.subarray(start, stop), again);
    try {
      length = reader.measure(bytes, start, stop, scan);
    } catch (error) {
      throw this.#refusal(error, "measure", bytes, start, stop);
    }
    demand(
      Number.isInteger(length) && stop - start + (length as number) >= 0,
      () =>
        `measure returns ${shown(length)} for ${stop - start} bytes, which is not a length ` +
        "(0 means that more bytes are needed, -n skips n bytes)",
      { bytes: bytes.slice(start, stop) },
    );
    return length as number;
  }

  /** Decodes the values of one frame. ProtocolErrors are thrown; everything else breaks the law. */
  decode(reader: AnyProtocol, bytes: Uint8Array, start: number, end: number): readonly unknown[] {
    const read = (): readonly unknown[] =>
      reader.decodeMany === undefined
        ? [reader.decode(bytes, start, end)]
        : [...reader.decodeMany(bytes, start, end)];
    this.#calls("decode", bytes.subarray(start, end), () => void read());
    try {
      return read();
    } catch (error) {
      throw this.#refusal(error, "decode", bytes, start, end);
    }
  }

  #calls(
    what: Call["what"],
    bytes: Uint8Array | undefined,
    again: () => void,
    value?: unknown,
  ): void {
    this.caller.call = { what, bytes, value, since: Date.now(), again };
  }

  /**
   * The error of a codec as an error of the library; for a strict subject only a ProtocolError is allowed.
   */
  #refusal(error: unknown, what: string, bytes: Uint8Array, start: number, end: number): Error {
    if (error instanceof ProtocolError) return error;
    if (!this.#strict) return asProtocolError(error, "malformed", `${what} failed`, start);
    const text = `${what} throws ${said(error)}: the result must be a value or a ProtocolError`;
    return new Violation(text, { bytes: bytes.slice(start, end) }, { cause: error });
  }

  /** The values that are received if `sent` is sent. */
  expected(sent: unknown): readonly unknown[] {
    const { expected } = this.options;
    const received = expected === undefined ? sent : expected(sent);
    return isSeveral(received) ? received.values : [received];
  }

  same(a: readonly unknown[], b: readonly unknown[]): boolean {
    const one = this.options.equal ?? equal;
    return a.length === b.length && a.every((value, i) => one(value, b[i]));
  }

  /** Requires that `received` is the expected result of `sent`. */
  demandReceived(received: readonly unknown[], sent: unknown, evidence: Evidence): void {
    const expected = this.expected(sent);
    demand(
      this.same(received, expected),
      () => `received ${list(received)} instead of ${list(expected)}`,
      () => ({ ...evidence, ...sidesOf(expected, received) }),
    );
  }

  /** Reads a frame that the protocol itself wrote: here any error breaks the law. */
  readBack<T>(evidence: Evidence, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof Violation) throw error;
      const text = `a valid frame cannot be read: ${said(error)}`;
      throw new Violation(text, evidence, { cause: error });
    }
  }
}

const strictOnes = new WeakMap<Subject, Subject>();

/** The same subject in strict mode. @internal */
export function strictly(subject: Subject): Subject {
  const known = strictOnes.get(subject);
  if (known !== undefined) return known;
  const strict = new Subject(subject.codec, subject.values, subject.options, true);
  strict.caller = subject;
  strictOnes.set(subject, strict);
  return strict;
}

/** Turns a bare codec into a message protocol, with a limit that no value of a test reaches. @internal */
export function complete(codec: Codec<unknown, unknown>): AnyProtocol {
  if ("maxFrame" in codec) return codec as AnyProtocol;
  const decode: AnyProtocol["decode"] = (bytes, start, end) => codec.decode(bytes, start, end);
  const encode: AnyProtocol["encode"] = (value, out) => codec.encode(value, out);
  const message: MessageProtocol<unknown, unknown> = {
    name: "codec",
    maxFrame: 2 ** 30,
    decode,
    encode,
    ...textOf(codec, codec, decode, encode),
  };
  if (codec.decodeMany === undefined) return message as AnyProtocol;
  const { decodeMany } = codec;
  return {
    ...message,
    decodeMany: (bytes: Uint8Array, start: number, end: number) =>
      decodeMany.call(codec, bytes, start, end),
  } as AnyProtocol;
}

/** The same protocol with another limit. */
export function limited(protocol: AnyProtocol, maxFrame: number): AnyProtocol {
  const other = {
    name: protocol.name,
    maxFrame,
    decode: (bytes: Uint8Array, start: number, end: number) => protocol.decode(bytes, start, end),
    encode: (value: unknown, out: Output) => protocol.encode(value, out),
    ...(protocol.decodeMany && {
      decodeMany: (bytes: Uint8Array, start: number, end: number) =>
        protocol.decodeMany?.(bytes, start, end),
    }),
    ...("measure" in protocol && {
      measure: (bytes: Uint8Array, start: number, end: number, scan: Scan) =>
        protocol.measure(bytes, start, end, scan),
    }),
  };
  return other as AnyProtocol;
}

/** Joins frames, one after the other. */
export function joined(frames: readonly Uint8Array[]): {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ends: readonly number[];
} {
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  const ends: number[] = [];
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
    ends.push(at);
  }
  return { bytes, ends };
}

/** Number of bytes, characters and numbers in a value, at any depth. */
export function contentOf(value: unknown, above: readonly object[] = []): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 1;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (above.includes(value)) return 0;
  const inside = [...above, value];
  return Object.values(value).reduce<number>((sum, item) => sum + contentOf(item, inside), 0);
}

/** A short text of an error. */
export function said(error: unknown): string {
  if (error instanceof ProtocolError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : `a thrown ${typeof error}`;
}

/** A short text of values. */
export const list = (values: readonly unknown[], longest?: number): string =>
  values.length === 1
    ? shown(values[0], longest)
    : `${values.length} values ${shown(values, longest)}`;

/** The expected and the received values, for a report. */
export function sidesOf(
  expected: readonly unknown[],
  received: readonly unknown[],
): Pick<Evidence, "sides"> {
  const isOne = expected.length === 1 && received.length === 1;
  const side = (values: readonly unknown[]): unknown => (isOne ? values[0] : values);
  return {
    sides: [
      ["expected", side(expected)],
      ["received", side(received)],
    ],
  };
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
