import type { Codec } from "./protocol.ts";

/*
 * Text on streams goes a faster way where codec and framing know one: a chunk is converted to text once for all the
 * frames in it, and the replies of a turn are joined and converted once.
 *
 * `{ ...json(), decode }` is a codec that decodes in another way, with the `decodeText` of json() in it: that one must
 * not be used. So each is remembered with the function that it stands for.
 */

/** What `decodeText` of a protocol stands for. */
interface Partner {
  readonly of: unknown;
  /** The character that ends every frame of the protocol, and is nowhere else in it. */
  readonly ending: string | undefined;
  /** It is one of ours, which keeps what it promises. */
  readonly isOurs: boolean;
}

const partners: WeakMap<object, Partner> = /* @__PURE__ */ new WeakMap();

/**
 * Notes what a fast function stands for, and returns it.
 *
 * @param text - `decodeText` or `encodeText`
 * @param of - the `decode` or `encode` that does the same with bytes
 * @param ending - see {@link Partner}
 */
export function standsFor<Text extends object>(text: Text, of: unknown, ending?: string): Text {
  partners.set(text, { of, ending, isOurs: true });
  return text;
}

/**
 * The ways for text of two codecs, or of one, for an object that reads and writes by them in functions of its own.
 *
 * @param read - what `decode` calls
 * @param write - what `encode` calls
 */
export function textOf<In, Out>(
  read: Codec<never, Out>,
  write: Codec<In, unknown>,
  decode: unknown,
  encode: unknown,
): Pick<Codec<In, Out>, "decodeText" | "encodeText"> {
  const decodeText = (text: string, start: number, end: number): Out =>
    read.decodeText!(text, start, end);
  const encodeText = (value: In): string => write.encodeText!(value);
  const forward = <Text extends object>(text: Text, from: object, of: unknown): Text => {
    const { ending, isOurs = false } = partners.get(from) ?? {};
    partners.set(text, { of, ending, isOurs });
    return text;
  };
  return {
    ...(readsText(read) && { decodeText: forward(decodeText, read.decodeText!, decode) }),
    ...(writesText(write) && { encodeText: forward(encodeText, write.encodeText!, encode) }),
  };
}

type Reading = Pick<Codec<never, unknown>, "decode" | "decodeText">;
type Writing = Pick<Codec<never, unknown>, "encode" | "encodeText">;

/** True if `decodeText` does what `decode` of this object does. */
export function readsText(codec: Reading): boolean {
  return stands(codec.decodeText, codec.decode);
}

/** True if `encodeText` does what `encode` of this object does. */
export function writesText(codec: Writing): boolean {
  return stands(codec.encodeText, codec.encode);
}

function stands(text: object | undefined, of: unknown): boolean {
  if (text === undefined) return false;
  const partner = partners.get(text);
  return partner === undefined || partner.of === of;
}

/** True if this function is one of ours, which keeps what it promises. */
export function isOurs(text: object): boolean {
  return partners.get(text)?.isOurs === true;
}

/** The character that ends every frame, if there is one. */
export function endingOf(protocol: Reading): string | undefined {
  return protocol.decodeText && partners.get(protocol.decodeText)?.ending;
}
