import {
  type Codec,
  defineProtocol,
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
import { fromHex } from "./input.ts";

/** A frame of a framing with an `offset`: the bytes before its length, and its payload. */
interface WithHeader {
  readonly header: Uint8Array;
  readonly payload: unknown;
}

/** The part of a framing that named protocols use. */
export interface Wrapping {
  wrap(codec: Codec<unknown>, options: { readonly name: string }): Protocol<unknown>;
}

/** `length:width=4,header=cafe0101`: a header in hex. With only an `offset`, headers are part of values. */
export function lengthWords(
  options: LengthPrefixedOptions & { readonly header?: unknown },
): Wrapping {
  if (options.header !== undefined) {
    const header = headerBytes(options.header);
    const { offset = header.length } = options;
    if (offset !== header.length) {
      throw new RangeError(`header has ${header.length} bytes, but offset is ${offset}`);
    }
    return lengthPrefixed({ ...options, header });
  }
  const framing = lengthPrefixed(options);
  const { offset = 0 } = options;
  if (offset === 0) return framing;
  return withHeader(framing, offset, (codec, { header, payload }, out) =>
    lengthPrefixed({ ...options, header })
      .wrap(codec)
      .encode(payload, out),
  );
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

function headerBytes(text: unknown): Uint8Array {
  if (typeof text !== "string" || !/^(0x)?([\da-f]{2})+$/i.test(text)) {
    throw new RangeError(
      `header must be bytes in hex, two digits each, such as header=cafe0101, not ${String(text)}`,
    );
  }
  return fromHex(text);
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
