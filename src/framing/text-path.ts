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
  /** What is written behind the payload: control characters. */
  readonly closing: string;
  /** The character that ends every frame, if there is one. */
  readonly ending: string | undefined;
  /** Where the payload of a frame ends. Throws where the bytes must tell. */
  payloadEnd(text: string, start: number, end: number): number;
}

/** The fast way for text of a framing, for codecs that have one; see `core/text-path.ts`. */
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

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const UNFIT = /^$|[\u0000-\u001f\u007f]|\p{Cs}/u;

/** The text of a codec that is not ours. Throws unless it is what `encodeText` must return: the bytes tell then. */
function checkedText(text: string): string {
  if (typeof text !== "string" || UNFIT.test(text)) {
    throw new ProtocolError("unencodable", "encodeText returned what cannot be joined");
  }
  return text;
}
