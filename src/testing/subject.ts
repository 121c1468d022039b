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

/** A protocol whose types have been forgotten: laws treat all alike. */
export type AnyProtocol = Protocol<unknown, unknown>;

/** Frames one behind the other. */
export interface Written {
  readonly sent: readonly unknown[];
  readonly frames: readonly Uint8Array[];
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each frame ends. */
  readonly ends: readonly number[];
}

/** A call of the protocol. */
export interface Call {
  readonly what: "measure" | "decode" | "encode";
  readonly bytes: Uint8Array | undefined;
  /** What is encoded. */
  readonly value?: unknown;
  /** When it began, by `Date.now`. */
  readonly since: number;
  again(): void;
}

/**
 * A protocol under test, and what is expected of it. A codec that throws something else than a ProtocolError has refused
 * the bytes, as for the library itself; for a strict subject that breaks the law.
 * @internal
 */
export class Subject {
  readonly name: string;
  /** As it was given. */
  readonly codec: Codec<unknown, unknown>;
  /** Set anew by a law, to steer it. */
  values: Arbitrary<unknown>;
  readonly options: LawOptions<unknown, unknown>;
  /** Has it a framing, for streams? */
  readonly framed: boolean;
  /** True for pieces of a stream rather than frames. */
  readonly loose: boolean;
  /** Has each connection an object, and a state, of its own? */
  readonly stateful: boolean;
  /** Values written, and values refused because no frame can be that large. */
  readonly tally: { written: number; tooBig: number } = { written: 0, tooBig: 0 };

  /** Findings of a law that do not break it. */
  readonly notes: string[] = [];
  /** The call that runs, or ran last: what is reported if it never returns. */
  call: Call | undefined;
  /** The subject whose `call` it is. */
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

  /** What writes, for a connection of its own. */
  writer(): AnyProtocol {
    return forOneStream(this.#writer);
  }

  /** What reads, for a connection of its own. */
  reader(): AnyProtocol {
    return forOneStream(this.#reader);
  }

  /** The wire bytes of a value, in memory of their own; undefined where it is too big for a frame. */
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
      const text = `encode refuses a value of the arbitrary (${said(error)}). If it is right, `;
      throw new Violation(`${text}keep such values out of the arbitrary`, {}, { cause: error });
    }
  }

  /** Several values over one connection; those too big are left out. */
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

  /** The bytes of a value whatever their number; undefined where the codec itself refuses. */
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

  /** No frame can hold it: said by its length where it can be written, else guessed from what is in it. */
  #isTooBig(value: unknown): boolean {
    const { maxFrame } = this.#writer;
    const length = this.unlimited(value)?.length;
    if (length !== undefined) return length > maxFrame;
    return contentOf(value) >= maxFrame - Math.min(64, maxFrame >> 2);
  }

  /** `measure`, never shown more than `maxFrame`. ProtocolErrors pass, everything else breaks the law. */
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
        "(0 means that the bytes do not tell yet, -n skips n of them)",
      { bytes: bytes.slice(start, stop) },
    );
    return length as number;
  }

  /** The values of one frame. ProtocolErrors pass, everything else breaks the law. */
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

  /** What a codec threw, as an error of the library; for a strict subject only a ProtocolError is one. */
  #refusal(error: unknown, what: string, bytes: Uint8Array, start: number, end: number): Error {
    if (error instanceof ProtocolError) return error;
    if (!this.#strict) return asProtocolError(error, "malformed", `${what} failed`, start);
    const text = `${what} throws ${said(error)}: bytes may only end in a value or a ProtocolError`;
    return new Violation(text, { bytes: bytes.slice(start, end) }, { cause: error });
  }

  /** What is received for `sent`. */
  expected(sent: unknown): readonly unknown[] {
    const { expected } = this.options;
    const received = expected === undefined ? sent : expected(sent);
    return isSeveral(received) ? received.values : [received];
  }

  same(a: readonly unknown[], b: readonly unknown[]): boolean {
    const one = this.options.equal ?? equal;
    return a.length === b.length && a.every((value, i) => one(value, b[i]));
  }

  /** Demands that `received` is what `sent` is to arrive as. */
  demandReceived(received: readonly unknown[], sent: unknown, evidence: Evidence): void {
    const expected = this.expected(sent);
    demand(
      this.same(received, expected),
      () => `received ${list(received)} instead of ${list(expected)}`,
      () => ({ ...evidence, ...sidesOf(expected, received) }),
    );
  }

  /** What is read of a frame that the protocol itself wrote: here an error breaks the law, too. */
  readBack<T>(evidence: Evidence, read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof Violation) throw error;
      const text = `a good frame is not read: ${said(error)}`;
      throw new Violation(text, evidence, { cause: error });
    }
  }
}

const strictOnes = new WeakMap<Subject, Subject>();

/** The same subject, but strict. */
export function strictly(subject: Subject): Subject {
  const known = strictOnes.get(subject);
  if (known !== undefined) return known;
  const strict = new Subject(subject.codec, subject.values, subject.options, true);
  strict.caller = subject;
  strictOnes.set(subject, strict);
  return strict;
}

/** A bare codec is a protocol for messages, with a limit that no value of a test reaches. @internal */
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

/** Frames, put one behind the other. */
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

/** Bytes, characters and numbers in a value, deep inside too. */
export function contentOf(value: unknown, above: readonly object[] = []): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 1;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (above.includes(value)) return 0;
  const inside = [...above, value];
  return Object.values(value).reduce<number>((sum, item) => sum + contentOf(item, inside), 0);
}

/** An error in a few words. */
export function said(error: unknown): string {
  if (error instanceof ProtocolError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : `a thrown ${typeof error}`;
}

/** Values in a few words. */
export const list = (values: readonly unknown[], longest?: number): string =>
  values.length === 1
    ? shown(values[0], longest)
    : `${values.length} values ${shown(values, longest)}`;

/** What was to come of a frame, and what came. */
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
