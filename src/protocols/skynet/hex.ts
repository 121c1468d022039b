import { ProtocolError } from "../../core/index.ts";
import { bytesOf } from "./text.ts";

/**
 * Encodes bytes as lower-case hexadecimal digits, like `crypt.hexencode` of skynet.
 *
 * @param bytes - bytes, or text as UTF-8
 */
export function hexEncode(bytes: Uint8Array | string): string {
  return Array.from(bytesOf(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Decodes lower-case hexadecimal digits. skynet's own function also accepts `g`, `W` to `Z` and
 * some other characters as digits; this one does not.
 *
 * @throws ProtocolError `malformed` for an odd length or any other character
 *
 * @example
 * ```ts
 * import { hexDecode } from "framewright/skynet";
 *
 * console.log(hexDecode("ff10").join(" "));
 * //=> 255 16
 * ```
 */
export function hexDecode(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 2 !== 0) {
    throw new ProtocolError("malformed", `hexadecimal text of an odd length, ${text.length}`);
  }
  if (/[^0-9a-f]/.test(text)) throw new ProtocolError("malformed", "not hexadecimal text");
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
