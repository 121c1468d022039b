import {
  type Codec,
  checkInteger,
  checkOptions,
  type Endian,
  newScan,
  type Output,
  type Protocol,
  ProtocolError,
} from "../core/index.ts";
import type { WrappingFraming } from "./framing.ts";

/** A checksum and its form on the wire; see {@link withChecksum}. */
export interface ChecksumOptions {
  /** Returns the checksum of `bytes[start .. end)`: an unsigned integer that fits `width`. */
  readonly sum: (bytes: Uint8Array, start: number, end: number) => number | bigint;

  /** Bytes of the checksum. */
  readonly width: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

  /**
   * Byte order of the checksum.
   * @defaultValue `'be'`
   */
  readonly endian?: Endian | undefined;

  /**
   * For framings: first byte of the frame that is covered, so that header and length can be included. 0
   * covers the whole frame up to the checksum.
   * @defaultValue only the payload is covered
   */
  readonly from?: number | undefined;
}

/**
 * Puts a checksum after the payload: appended when written, checked when read. A wrong one is `malformed`.
 *
 * ```text
 * around a codec, or a framing          | header | payload ... checksum |
 *                                                  ^^^^^^^ covered
 * around a framing, with from: 0        | header | payload ... checksum |
 *                                         ^^^^^^^^^^^^^^^^ covered
 * ```
 *
 * To the framing, the checksum is part of the payload: a length counts it, unless `adjust` excludes it.
 * Payload codecs never see it.
 *
 * @param inner - a payload codec, or a framing before it is wrapped
 * @param options - `sum` and `width` are required
 *
 * @example
 * ```ts
 * import { encodeFrame, lengthPrefixed, raw } from "framewright";
 * import { crc16, withChecksum } from "framewright/framing";
 *
 * const framing = lengthPrefixed({ width: 1, header: Uint8Array.of(0xaa, 0x55) });
 * const packets = withChecksum(framing, { sum: crc16("modbus"), width: 2, from: 2 }).wrap(raw());
 * const frame = encodeFrame(packets, Uint8Array.of(1, 2, 3));
 * console.log([...frame].map((byte) => byte.toString(16)).join(" "));
 * //=> aa 55 5 1 2 3 49 10
 * ```
 *
 * @throws RangeError or TypeError for options that do not fit
 */
export function withChecksum<In, Out>(
  inner: Codec<In, Out>,
  options: ChecksumOptions & { readonly from?: undefined },
): Codec<In, Out>;
export function withChecksum(inner: WrappingFraming, options: ChecksumOptions): WrappingFraming;
export function withChecksum(
  inner: WrappingFraming | Codec<never, unknown>,
  options: ChecksumOptions,
): unknown {
  checkOptions("withChecksum", options, ["sum", "width", "endian", "from"]);
  const { width, endian = "be", from } = options;
  checkInteger("width", width, 1, 8);
  if (endian !== "be" && endian !== "le") {
    throw new RangeError(`withChecksum: endian must be "be" or "le", not ${String(endian)}`);
  }
  if (typeof options.sum !== "function") {
    throw new TypeError('withChecksum: sum must be a function, such as crc16("modbus")');
  }
  const trailer = new Trailer(options.sum, width, endian);
  if ("wrap" in inner) return ofFraming(inner, trailer, from);
  if ("measure" in inner) {
    throw new TypeError(
      "withChecksum goes around a framing before wrap, or around a payload codec",
    );
  }
  if (from !== undefined) throw new TypeError("withChecksum: from is for framings");
  return ofCodec(inner, trailer);
}

/** The checksum at the end of a payload. */
class Trailer {
  readonly width: number;
  readonly endian: Endian;
  readonly #sum: ChecksumOptions["sum"];

  constructor(sum: ChecksumOptions["sum"], width: number, endian: Endian) {
    this.#sum = sum;
    this.width = width;
    this.endian = endian;
  }

  /** Start of the checksum; `start` is that of the payload. */
  place(start: number, end: number): number {
    if (end - start >= this.width) return end - this.width;
    const text = `${end - start} bytes have no room for a checksum of ${this.width}`;
    throw new ProtocolError("malformed", text, start);
  }

  /** Checks the checksum at `place`, which covers the bytes from `from` on. */
  check(bytes: Uint8Array, from: number, place: number): void {
    const sum = BigInt(this.#sum(bytes, from, place));
    let found = 0n;
    for (let i = 0; i < this.width; i++) {
      const at = this.endian === "be" ? place + i : place + this.width - 1 - i;
      found = (found << 8n) | BigInt(bytes[at]!);
    }
    if (found === sum) return;
    const text = `checksum 0x${found.toString(16)} instead of 0x${sum.toString(16)}`;
    throw new ProtocolError("malformed", text, place);
  }

  /** Fills in the checksum at position `place` of the output; it covers the bytes written from `from` on. */
  write(out: Output, from: number, place: number): void {
    const sum = out.examine(0, (bytes, start) => this.#sum(bytes, start + from, start + place));
    out.patch(place, this.width, sum, this.endian);
  }
}

function ofCodec<In, Out>(codec: Codec<In, Out>, trailer: Trailer): Codec<In, Out> {
  return Object.freeze<Codec<In, Out>>({
    ...shortened(codec, trailer, (bytes, start, place) => trailer.check(bytes, start, place)),
    encode(value, out) {
      const start = out.length;
      const returned = codec.encode(value, out);
      trailer.write(out, start, out.reserve(trailer.width));
      return returned;
    },
  });
}

type Check = (bytes: Uint8Array, start: number, place: number) => void;

/** A codec that receives its payload without the checksum, after a check. */
function shortened<In, Out>(
  codec: Codec<In, Out>,
  trailer: Trailer,
  check: Check,
): Omit<Codec<In, Out>, "encode"> {
  const whole =
    <T>(read: (bytes: Uint8Array, start: number, end: number) => T) =>
    (bytes: Uint8Array, start: number, end: number): T => {
      const place = trailer.place(start, end);
      check(bytes, start, place);
      return read(bytes, start, place);
    };
  return {
    decode: whole((bytes, start, end) => codec.decode(bytes, start, end)),
    ...(codec.decodeMany && {
      decodeMany: whole((bytes, start, end) => codec.decodeMany!(bytes, start, end)),
    }),
  };
}

function ofFraming(
  framing: WrappingFraming,
  trailer: Trailer,
  from: number | undefined,
): WrappingFraming {
  const { width, endian } = trailer;
  const layout = framing.layout?.flatMap((part) =>
    part.kind === "payload"
      ? [part, { name: "checksum", kind: "trailer", size: width, endian } as const]
      : [part],
  );
  const changed: WrappingFraming = {
    ...framing,
    ...(layout && { layout }),
    payloadEnd(bytes, start, end) {
      const payload = framing.payloadStart(bytes, start, end);
      return trailer.place(payload, framing.payloadEnd(bytes, start, end));
    },
    wrap: (codec, options) =>
      Object.freeze({
        ...framing.wrap(ofCodec(codec, trailer), options),
        payload: codec,
        ...(layout && { layout }),
      }),
  };
  if (from === undefined) return Object.freeze(changed);
  checkInteger("from", from, 0);
  if (framing.layout?.some((part) => part.escaped)) {
    throw new TypeError("withChecksum: from needs a payload that is not escaped; leave it away");
  }
  return Object.freeze<WrappingFraming>({
    ...changed,
    wrap: (codec, options) =>
      Object.freeze({
        ...covering(framing, trailer, from, codec, options),
        payload: codec,
        ...(layout && { layout }),
      }),
  });
}

/**
 * A protocol whose checksum covers frames from their byte `from` on, so it can only be computed after the
 * header is written.
 */
function covering<In, Out>(
  framing: WrappingFraming,
  trailer: Trailer,
  from: number,
  codec: Codec<In, Out>,
  options: Parameters<WrappingFraming["wrap"]>[1],
): Protocol<In, Out> {
  const place = (bytes: Uint8Array, start: number, end: number): number =>
    trailer.place(framing.payloadStart(bytes, start, end), framing.payloadEnd(bytes, start, end));
  const covered = (start: number, at: number): number => Math.min(start + from, at);
  const protocol = framing.wrap<In, Out>(
    {
      ...shortened(codec, trailer, () => {}),
      encode(value, out) {
        const returned = codec.encode(value, out);
        out.reserve(trailer.width);
        return returned;
      },
    },
    options,
  );
  const checked =
    <T>(read: (bytes: Uint8Array, start: number, end: number) => T) =>
    (bytes: Uint8Array, start: number, end: number): T => {
      const at = place(bytes, start, end);
      trailer.check(bytes, covered(start, at), at);
      return read(bytes, start, end);
    };
  return {
    ...protocol,
    decode: checked(protocol.decode),
    ...(protocol.decodeMany && { decodeMany: checked(protocol.decodeMany) }),
    encode(value, out) {
      const start = out.length;
      const returned = protocol.encode(value, out);
      const at =
        start + out.examine(start, (bytes, begin, end) => place(bytes, begin, end) - begin);
      trailer.write(out, covered(start, at), at);
      const isFaithful = out.examine(
        start,
        (bytes, begin, end) =>
          framing.measure(bytes, begin, bytes.length, newScan()) === end - begin,
      );
      if (isFaithful) return returned;
      throw new ProtocolError("unencodable", "the checksum would end the frame");
    },
  };
}
