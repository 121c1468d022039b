import { type Codec, checkOptions, type Protocol, standsFor } from "../../core/index.ts";
import { delimited } from "../../framing/index.ts";
import { type JsonOptions, jsonPayload } from "./json.ts";

/**
 * Protocol JsonNL, the first of Workerman's manual: one line of JSON per value.
 *
 * ```text
 *   {"type":"message","content":"hello"} 0a
 *   {"code":0,"msg":"ok"} 0a
 * ```
 *
 * Around the JSON, space, `\t`, `\n`, `\r`, `\0` and `\x0b` are trimmed, as by PHP's `trim` (but no
 * other white space, unlike JavaScript's). A line that is not JSON, or is empty, is `malformed`
 * (`decode-threw`), unless `invalid` is set.
 *
 * @param options - `maxFrame`: longest line, LF included; `phpJson`; `invalid`; `parse`
 * @defaultValue maxFrame 1 MiB, phpJson false, invalid `'refuse'`
 *
 * @example
 * ```ts
 * import { decodeUtf8, encodeFrame } from "framewright";
 * import { jsonNL } from "framewright/workerman";
 *
 * console.log(decodeUtf8(encodeFrame(jsonNL(), { code: 0, msg: "ok" })).trim());
 * //=> {"code":0,"msg":"ok"}
 * ```
 */
export function jsonNL<In = unknown, Out = In>(
  options: JsonOptions<Out> & { readonly invalid: "null" },
): Protocol<In, Out | null>;
export function jsonNL<In = unknown, Out = In>(options?: JsonOptions<Out>): Protocol<In, Out>;
export function jsonNL<In, Out>(options: JsonOptions<Out> = {}): Protocol<In, Out> {
  checkOptions("jsonNL", options, ["maxFrame", "phpJson", "invalid", "parse"]);
  return delimited("\n", { maxFrame: options.maxFrame }).wrap(
    trimmed(jsonPayload<In, Out>(options)),
    { name: "jsonNL" },
  );
}

/** Skips the bytes that PHP's `trim` removes, at both ends. */
function trimmed<In, Out>(codec: Codec<In, Out>): Codec<In, Out> {
  const { decodeText } = codec;
  const decode: Codec<In, Out>["decode"] = (bytes, start, end) => {
    let from = start;
    let to = end;
    while (from < to && isTrimmed(bytes[from]!)) from++;
    while (to > from && isTrimmed(bytes[to - 1]!)) to--;
    return codec.decode(bytes, from, to);
  };
  return {
    ...codec,
    decode,
    ...(decodeText && { decodeText: standsFor(trimmedText(decodeText), decode) }),
  };
}

function trimmedText<Out>(
  decodeText: (text: string, start: number, end: number) => Out,
): typeof decodeText {
  return (text, start, end) => {
    let from = start;
    let to = end;
    while (from < to && isTrimmed(text.charCodeAt(from))) from++;
    while (to > from && isTrimmed(text.charCodeAt(to - 1))) to--;
    return decodeText(text, from, to);
  };
}

/** True for space, `\t`, `\n`, `\x0b`, `\r` and `\0`; 0c is not trimmed. */
function isTrimmed(byte: number): boolean {
  return byte === 0x20 || byte === 0 || (byte >= 0x09 && byte <= 0x0d && byte !== 0x0c);
}
