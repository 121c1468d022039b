import {
  type Codec,
  defineProtocol,
  type FramePart,
  hexByte,
  isBytes,
  type Output,
  type Protocol,
  ProtocolError,
} from "../../core/index.ts";
import {
  type LengthPrefixedOptions,
  lengthPrefixed,
  type VarintPrefixedOptions,
  varintPrefixed,
  type WrappingFraming,
} from "../../framing/index.ts";

/** A frame of a framing with an `offset`: the bytes before its length, and its payload. */
interface WithHeader {
  readonly header: Uint8Array;
  readonly payload: unknown;
}

/** The part of a framing that named protocols use. */
export interface Wrapping {
  wrap(codec: Codec<unknown>, options: { readonly name: string }): Protocol<unknown>;
}

/**
 * `length:width=4,header=cafe0101`: a header in hex. With any bytes in it, as in `header=cafe01??`, or with
 * only an `offset`, headers are part of values.
 */
export function lengthWords(
  options: LengthPrefixedOptions & { readonly header?: unknown },
): Wrapping {
  if (options.header !== undefined) {
    const pattern = patternOf(options.header);
    const { offset = pattern.length } = options;
    if (offset !== pattern.length) {
      throw new RangeError(`header has ${pattern.length} bytes, but offset is ${offset}`);
    }
    if (!pattern.includes(undefined)) {
      return lengthPrefixed({ ...options, header: Uint8Array.from(pattern as number[]) });
    }
    const framing = lengthPrefixed({ ...options, offset, header: undefined });
    return withHeader(matching(framing, pattern), offset, (codec, value, out) => {
      checkPattern(pattern, value.header, 0, offset, "unencodable");
      writeLength(options, codec, value, out);
    });
  }
  const framing = lengthPrefixed(options);
  const { offset = 0 } = options;
  if (offset === 0) return framing;
  return withHeader(framing, offset, (codec, value, out) =>
    writeLength(options, codec, value, out),
  );
}

function writeLength(
  options: LengthPrefixedOptions,
  codec: Codec<unknown>,
  { header, payload }: WithHeader,
  out: Output,
): void {
  lengthPrefixed({ ...options, header })
    .wrap(codec)
    .encode(payload, out);
}

/** `varint:offset=1`: values hold the bytes before the length. */
export function varintWords(options: VarintPrefixedOptions): Wrapping {
  const framing = varintPrefixed(options);
  const { offset = 0, ...others } = options;
  if (offset === 0) return framing;
  return withHeader(framing, offset, (codec, { header, payload }, out) => {
    out.bytes(header);
    varintPrefixed(others).wrap(codec).encode(payload, out);
  });
}

/** Bytes of a header; undefined for any byte. */
type Pattern = readonly (number | undefined)[];

function patternOf(text: unknown): Pattern {
  if (typeof text !== "string" || !/^(0x)?([\da-f]{2}|\?\?)+$/i.test(text)) {
    throw new RangeError(
      `header must be bytes in hex, two digits each, or ?? for any byte, such as header=cafe01??, not ${String(text)}`,
    );
  }
  const bytes = text.replace(/^0x/i, "").match(/../g)!;
  return bytes.map((byte) => (byte === "??" ? undefined : Number.parseInt(byte, 16)));
}

/** @throws ProtocolError at the first byte that differs */
function checkPattern(
  pattern: Pattern,
  bytes: Uint8Array,
  start: number,
  end: number,
  code: "malformed" | "unencodable",
): void {
  const known = Math.min(pattern.length, end - start);
  for (let i = 0; i < known; i++) {
    const wanted = pattern[i];
    const byte = bytes[start + i]!;
    if (wanted === undefined || byte === wanted) continue;
    const text = `header byte ${i} is ${hexByte(byte)}, not ${hexByte(wanted)}`;
    throw new ProtocolError(code, text, code === "malformed" ? start + i : undefined);
  }
}

/** The framing with a check of the bytes before its length. */
function matching(framing: WrappingFraming, pattern: Pattern): WrappingFraming {
  return {
    ...framing,
    layout: [...partsOf(pattern), ...framing.layout!.slice(1)],
    measure(bytes, start, end, scan) {
      checkPattern(pattern, bytes, start, end, "malformed");
      const length = framing.measure(bytes, start, end, scan);
      // Each byte is checked when it arrives.
      if (end - start < pattern.length) scan.at = end - start + 1;
      return length;
    },
  };
}

/** A part for each run of given bytes, and of any. */
function partsOf(pattern: Pattern): FramePart[] {
  const parts: FramePart[] = [];
  for (let at = 0, end = 0; at < pattern.length; at = end) {
    const isAny = pattern[at] === undefined;
    while (end < pattern.length && (pattern[end] === undefined) === isAny) end++;
    const bytes = isAny ? undefined : Uint8Array.from(pattern.slice(at, end) as number[]);
    parts.push({ name: "header", kind: "header", size: end - at, bytes });
  }
  return parts;
}

type WriteFrame = (codec: Codec<unknown>, value: WithHeader, out: Output) => void;

function withHeader(framing: WrappingFraming, size: number, write: WriteFrame): Wrapping {
  function wrap(codec: Codec<unknown>, { name }: { readonly name: string }): Protocol<unknown> {
    const protocol = defineProtocol<WithHeader>({
      ...framing,
      name,
      decode(bytes, start, end) {
        const at = framing.payloadStart(bytes, start, end);
        const payload = codec.decode(bytes, at, framing.payloadEnd(bytes, start, end));
        return { header: bytes.subarray(start, start + size), payload };
      },
      encode(value, out) {
        if (!isBytes(value?.header) || value.header.length !== size) {
          const text = `expected { header, payload } with a header of ${size} bytes`;
          throw new ProtocolError("unencodable", text);
        }
        write(codec, value, out);
      },
    });
    // `explain` reads the parts of a frame: its payload is that of the codec.
    return { ...protocol, payload: codec } as Protocol<unknown, unknown>;
  }
  return { wrap };
}
