import type { Codec } from "./protocol.ts";

/*
 * Text on streams takes a faster path if codec and framing have one: a chunk is converted to text once for
 * all the frames in it, and the replies of a turn are joined and converted once.
 *
 * `{ ...json(), decode }` is a codec that decodes in another way, but contains the `decodeText` of json(),
 * which must not be used then. So each fast function is stored with the function that it replaces.
 */

/** The function that `decodeText` of a protocol replaces. */
interface Partner {
  readonly of: unknown;
  /** The character that ends every frame of the protocol and does not occur elsewhere in it. */
  readonly ending: string | undefined;
  /** True for a function of this library, which is trusted. */
  readonly isOurs: boolean;
}

const partners: WeakMap<object, Partner> = /* @__PURE__ */ new WeakMap();

/**
 * Stores which function a fast one replaces, and returns the fast one.
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
 * The text paths of two codecs, or of one, for an object that calls them in functions of its own.
 *
 * @param read - the codec that `decode` calls
 * @param write - the codec that `encode` calls
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

/** True if `decodeText` has the same effect as `decode` of this object. */
export function readsText(codec: Reading): boolean {
  return stands(codec.decodeText, codec.decode);
}

/** True if `encodeText` has the same effect as `encode` of this object. */
export function writesText(codec: Writing): boolean {
  return stands(codec.encodeText, codec.encode);
}

function stands(text: object | undefined, of: unknown): boolean {
  if (text === undefined) return false;
  const partner = partners.get(text);
  return partner === undefined || partner.of === of;
}

/** True for a function of this library, which is trusted. */
export function isOurs(text: object): boolean {
  return partners.get(text)?.isOurs === true;
}

/** The character that ends every frame, if there is one. */
export function endingOf(protocol: Reading): string | undefined {
  return protocol.decodeText && partners.get(protocol.decodeText)?.ending;
}
