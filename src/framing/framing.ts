import {
  type Codec,
  checkedMaxFrame,
  checkOptions,
  checkSync,
  type FrameLayout,
  type Framing,
  type Output,
  type Protocol,
} from "../core/index.ts";

/** Options of every framing. */
export interface FramingOptions {
  /**
   * Largest frame, in wire bytes, including header and delimiter, for reading and writing.
   * @defaultValue 1 MiB, or less if the header cannot express that
   */
  readonly maxFrame?: number | undefined;
}

/** Options for `wrap`. */
export interface WrapOptions {
  /**
   * Name of the protocol, for error texts and logs.
   * @defaultValue the name of the framing
   */
  readonly name?: string | undefined;
}

/**
 * A ready framing: a protocol without a codec for its payload.
 *
 * `wrap` it around a payload codec, or spread it into `defineProtocol` if the codec needs the header too:
 *
 * ```ts
 * import { defineProtocol, encodeFrame, lengthPrefixed } from "framewright";
 *
 * const framing = lengthPrefixed({ offset: 1, width: 2 });
 * const notes = defineProtocol<{ kind: number; body: Uint8Array }>({
 *   ...framing,
 *   name: "notes",
 *   decode: (bytes, start, end) => ({
 *     kind: bytes[start]!,
 *     body: bytes.subarray(framing.payloadStart(bytes, start, end), end),
 *   }),
 *   encode: ({ kind, body }, out) => out.u8(kind).sized(2, "be", () => out.bytes(body)),
 * });
 * console.log(encodeFrame(notes, { kind: 7, body: Uint8Array.of(1, 2) }).join(" "));
 * //=> 7 0 2 1 2
 * ```
 */
export interface WrappingFraming extends Framing {
  /** Returns the index at which the payload of the complete frame `bytes[start .. end)` begins. */
  readonly payloadStart: FramePosition;

  /** Returns the index at which the payload of the complete frame `bytes[start .. end)` ends. */
  readonly payloadEnd: FramePosition;

  /**
   * Makes a protocol whose payload is written and read by `codec`. The codec never sees header or delimiter.
   *
   * @throws TypeError if bytes before the length would be lost; see {@link WrappingFraming}
   */
  wrap<In, Out = In>(codec: Codec<In, Out>, options?: WrapOptions): Protocol<In, Out>;
}

/** Returns a position in the frame `bytes[start .. end)`. */
export type FramePosition = (bytes: Uint8Array, start: number, end: number) => number;

/** A framing for {@link framing}: it finds the end of frames, and writes the parts around the payload. */
export interface FramingDefinition {
  /** For error texts and logs. */
  readonly name: string;

  /**
   * Largest frame that is read, in wire bytes.
   * @defaultValue 1 MiB
   */
  readonly maxFrame?: number | undefined;

  /**
   * Largest frame that is written, in wire bytes.
   * @defaultValue `maxFrame`
   */
  readonly maxSend?: number | undefined;

  /**
   * True if a text payload is still text with this framing around it.
   * @defaultValue false
   */
  readonly text?: boolean | undefined;

  /** Finds the end of a frame; see {@link Framing.measure}. */
  readonly measure: Framing["measure"];

  /**
   * Returns the start of the payload of a frame.
   * @defaultValue at the frame's start
   */
  readonly payloadStart?: FramePosition | undefined;

  /**
   * Returns the end of the payload of a frame.
   * @defaultValue at the frame's end
   */
  readonly payloadEnd?: FramePosition | undefined;

  /** Writes the part before the payload, or reserves room for it. */
  open?(out: Output): void;

  /**
   * Completes the frame that begins at position `start` of `out`, after its payload was written: fills in a
   * length, appends a delimiter, refuses a payload that could not be read back (see {@link Output.examine}).
   */
  close?(out: Output, start: number): void;

  /** See {@link Framing.tooLong}. */
  readonly tooLong?: Framing["tooLong"] | undefined;

  /** See {@link Framing.loose}. */
  readonly loose?: boolean | undefined;

  /** See {@link Framing.recover}. */
  readonly recover?: Framing["recover"] | undefined;

  /** See {@link Framing.layout}. */
  readonly layout?: FrameLayout | undefined;

  /** See {@link Framing.hint}. @internal */
  readonly hint?: Framing["hint"] | undefined;
}

const atStart: FramePosition = (_, start) => start;
const atEnd: FramePosition = (_, __, end) => end;

/**
 * Makes a framing of your own that wraps any payload codec. All ready framings are made this way.
 *
 * @example
 * ```ts
 * import { encodeFrame, utf8 } from "framewright";
 * import { framing } from "framewright/framing";
 *
 * // A mark, a length byte, the payload: ee 05 68 65 6c 6c 6f
 * const marked = framing({
 *   name: "marked",
 *   maxFrame: 257,
 *   measure: (bytes, start, end) => (end - start < 2 ? 0 : 2 + bytes[start + 1]!),
 *   payloadStart: (_, start) => start + 2,
 *   open: (out) => out.u8(0xee).reserve(1),
 *   close: (out, start) => out.patch(start + 1, 1, out.length - start - 2),
 * });
 * console.log(encodeFrame(marked.wrap(utf8()), "hello").join(" "));
 * //=> 238 5 104 101 108 108 111
 * ```
 *
 * @throws RangeError unless `maxFrame` and `maxSend` are positive integers
 */
export function framing(definition: FramingDefinition): WrappingFraming {
  return framingOf(definition);
}

/** The text path of a wrapped codec, whose bytes `decode` and `encode` read and write. */
export type TextPath = <In, Out>(
  codec: Codec<In, Out>,
  decode: unknown,
  encode: unknown,
) => Pick<Codec<In, Out>, "decodeText" | "encodeText">;

/**
 * Makes a framing, as `framing` does.
 *
 * @param textPath - for a framing of text
 * @internal
 */
export function framingOf(definition: FramingDefinition, textPath?: TextPath): WrappingFraming {
  const { name, measure, maxSend, tooLong, loose, recover, layout, hint } = definition;
  const { payloadStart = atStart, payloadEnd = atEnd } = definition;
  const maxFrame = checkedMaxFrame(definition.maxFrame);
  if (maxSend !== undefined) checkedMaxFrame(maxSend, 1, "maxSend");
  const base: Framing = {
    maxFrame,
    measure,
    ...(tooLong && { tooLong }),
    ...(loose && { loose }),
    ...(hint && { hint }),
    ...(recover && { recover }),
    ...(layout && { layout }),
  };
  return Object.freeze<WrappingFraming>({
    ...base,
    payloadStart,
    payloadEnd,
    wrap<In, Out = In>(codec: Codec<In, Out>, options: WrapOptions = {}): Protocol<In, Out> {
      checkOptions("wrap", options, ["name"]);
      const reading = decoders(codec, payloadStart, payloadEnd);
      const encode: Codec<In>["encode"] = (value, out) => {
        const start = out.length;
        definition.open?.(out);
        const returned = codec.encode(value, out);
        definition.close?.(out, start);
        return returned;
      };
      return Object.freeze<Protocol<In, Out>>({
        ...base,
        name: options.name ?? name,
        ...(maxSend !== undefined && { maxSend }),
        text: definition.text === true && codec.text === true,
        payload: codec,
        ...reading,
        encode,
        ...textPath?.(codec, reading.decode, encode),
      });
    },
  });
}

/**
 * The same framing without a `wrap`: its payload codec would neither see nor write the bytes before the length.
 * @internal
 */
export function withoutWrap(
  framing: WrappingFraming,
  lost: number,
  instead: string,
): WrappingFraming {
  return Object.freeze<WrappingFraming>({
    ...framing,
    wrap() {
      throw new TypeError(
        `wrap would lose the ${lost} bytes before the length: ${instead}spread the framing into defineProtocol, ` +
          "with a decode and an encode for whole frames",
      );
    },
  });
}

/**
 * The reading half of a codec, which receives only the payload of each frame.
 * @internal
 */
export function decoders<Out>(
  codec: Codec<never, Out>,
  payloadStart: FramePosition = atStart,
  payloadEnd: FramePosition = atEnd,
): Pick<Codec<never, Out>, "decode" | "decodeMany"> {
  checkSync(codec);
  const decode: Codec<never, Out>["decode"] = (bytes, start, end) =>
    codec.decode(bytes, payloadStart(bytes, start, end), payloadEnd(bytes, start, end));
  if (codec.decodeMany === undefined) return { decode };
  return {
    decode,
    decodeMany: (bytes, start, end) =>
      codec.decodeMany!(bytes, payloadStart(bytes, start, end), payloadEnd(bytes, start, end)),
  };
}
