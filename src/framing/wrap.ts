import {
  type Codec,
  checkedMaxFrame,
  type Framing,
  type Output,
  type Protocol,
} from "../core/index.ts";

/** What every framing can be given. */
export interface FramingOptions {
  /**
   * Largest whole frame, in wire bytes, header and delimiter included; reading and writing.
   * @defaultValue 1 MiB, or less where the header cannot say that much
   */
  readonly maxFrame?: number | undefined;
}

/** What `wrap` can be given. */
export interface WrapOptions {
  /**
   * Name of the protocol, for error texts and logs.
   * @defaultValue the name of the framing
   */
  readonly name?: string | undefined;
}

/** A ready framing: a protocol but for what its payload means. */
export interface WrappingFraming extends Framing {
  /** A protocol whose payload is written and read by `codec`, which never sees header or delimiter. */
  wrap<In, Out = In>(codec: Codec<In, Out>, options?: WrapOptions): Protocol<In, Out>;
}

/**
 * What tells one framing from another.
 * @internal
 */
export interface FramingParts {
  readonly name: string;
  readonly maxFrame: number;
  /** Is a text payload still text with this framing around it? */
  readonly text: boolean;
  readonly measure: Framing["measure"];
  /** Where the payload of the frame at `start` begins; without this, at `start`. */
  readonly payloadStart?: Bound | undefined;
  /** Where it ends; without this, at `end`. */
  readonly payloadEnd?: Bound | undefined;
  /** Writes what stands before the payload, or makes room for it. */
  open?(out: Output): void;
  /** Completes the frame that begins at `start`, its payload being written. */
  close(out: Output, start: number): void;
}

type Bound = (bytes: Uint8Array, start: number, end: number) => number;

const atStart: Bound = (_, start) => start;
const atEnd: Bound = (_, __, end) => end;

/**
 * A framing from its parts: the one place where a payload codec is put into a frame.
 * @internal
 */
export function makeFraming(parts: FramingParts): WrappingFraming {
  const { maxFrame, measure } = parts;
  return Object.freeze<WrappingFraming>({
    maxFrame,
    measure,
    wrap<In, Out = In>(codec: Codec<In, Out>, options: WrapOptions = {}): Protocol<In, Out> {
      return Object.freeze<Protocol<In, Out>>({
        name: options.name ?? parts.name,
        maxFrame,
        text: parts.text && codec.text === true,
        measure,
        ...decoders(codec, parts.payloadStart, parts.payloadEnd),
        encode(value, out) {
          const start = out.length;
          parts.open?.(out);
          codec.encode(value, out);
          parts.close(out, start);
        },
      });
    },
  });
}

/**
 * The reading half of a codec, shown only the payload of each frame.
 * @internal
 */
export function decoders<Out>(
  codec: Codec<never, Out>,
  payloadStart: Bound = atStart,
  payloadEnd: Bound = atEnd,
): Pick<Codec<never, Out>, "decode" | "decodeMany"> {
  const decode: Codec<never, Out>["decode"] = (bytes, start, end) =>
    codec.decode(bytes, payloadStart(bytes, start, end), payloadEnd(bytes, start, end));
  if (codec.decodeMany === undefined) return { decode };
  return {
    decode,
    decodeMany: (bytes, start, end) =>
      codec.decodeMany!(bytes, payloadStart(bytes, start, end), payloadEnd(bytes, start, end)),
  };
}

/**
 * The limit of a framing whose header can say at most `most`.
 * @internal
 */
export function limit(options: FramingOptions, least: number, most = Infinity): number {
  return Math.min(checkedMaxFrame(options.maxFrame, least), most);
}
