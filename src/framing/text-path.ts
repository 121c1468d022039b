import {
  type Codec,
  isOurs,
  ProtocolError,
  readsText,
  standsFor,
  writesText,
} from "../core/index.ts";
import type { TextPath } from "./framing.ts";

/** A framing of text. */
export interface TextFraming {
  /** Text written after the payload: control characters. */
  readonly closing: string;
  /** The character that ends every frame, if there is one. */
  readonly ending: string | undefined;
  /** End of the payload of a frame. Throws if the bytes must decide. */
  payloadEnd(text: string, start: number, end: number): number;
}

/** The text path of a framing, for codecs that have one; see `core/text-path.ts`. */
export function textPathOf(text: TextFraming): TextPath {
  return (codec, decode, encode) => textPath(codec, text, decode, encode);
}

function textPath<In, Out>(
  codec: Codec<In, Out>,
  text: TextFraming,
  decode: unknown,
  encode: unknown,
): Pick<Codec<In, Out>, "decodeText" | "encodeText"> {
  const { closing } = text;
  const decodeText = (given: string, start: number, end: number): Out =>
    codec.decodeText!(given, start, text.payloadEnd(given, start, end));
  const encodeOurs = (value: In): string => codec.encodeText!(value) + closing;
  const encodeTheirs = (value: In): string => checkedText(codec.encodeText!(value)) + closing;
  return {
    ...(readsText(codec) && { decodeText: standsFor(decodeText, decode, text.ending) }),
    ...(writesText(codec) && {
      encodeText: standsFor(isOurs(codec.encodeText!) ? encodeOurs : encodeTheirs, encode),
    }),
  };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern searches for them
const UNFIT = /^$|[\u0000-\u001f\u007f]|\p{Cs}/u;

/**
 * The text of a codec outside of this library. Throws if it is not a valid result of `encodeText`: then the
 * bytes decide.
 */
function checkedText(text: string): string {
  if (typeof text !== "string" || UNFIT.test(text)) {
    throw new ProtocolError("unencodable", "encodeText returned what cannot be joined");
  }
  return text;
}
