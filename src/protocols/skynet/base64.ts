import { base64Values, ProtocolError, toBase64 } from "../../core/index.ts";
import { bytesOf } from "./text.ts";

/**
 * Encodes bytes as base64 with padding, like `crypt.base64encode` of skynet.
 *
 * @param bytes - bytes, or text as UTF-8
 */
export function base64Encode(bytes: Uint8Array | string): string {
  return toBase64(bytesOf(bytes));
}

/**
 * Decodes base64 as skynet's server does. Characters outside the alphabet are skipped, and missing
 * padding at the end is added. After a complete group only another group may follow, so a line that
 * ends in CR LF is refused.
 *
 * @throws ProtocolError `malformed` for a group that ends in more than two `=`, or whose unused
 *   bits are not 0
 *
 * @example
 * ```ts
 * import { base64Decode } from "framewright/skynet";
 *
 * console.log(base64Decode("QU JD").join(" "), base64Decode("QQ").join(" "));
 * //=> 65 66 67 65
 * ```
 */
export function base64Decode(text: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  let at = 0;
  while (at < text.length) {
    // Decodes one group: four characters, of which the last ones may be padding or missing.
    let bits = 0;
    let count = 0;
    let padding = 0;
    while (count + padding < 4) {
      const code = at < text.length ? text.charCodeAt(at) : EQUALS;
      at++;
      if (code === EQUALS) {
        padding++;
      } else {
        const value = base64Values[code] ?? 64;
        if (value === 64) continue;
        if (padding > 0) throw notBase64();
        bits = (bits << 6) | value;
        count++;
      }
    }
    const unused = padding === 1 ? bits & 3 : bits & 15;
    if (padding > 2 || (padding > 0 && unused !== 0)) throw notBase64();
    bits <<= 6 * padding;
    for (let i = 0; i < 3 - padding; i++) bytes.push((bits >> (16 - 8 * i)) & 255);
  }
  return Uint8Array.from(bytes);
}

const EQUALS = 0x3d;

function notBase64(): ProtocolError {
  return new ProtocolError("malformed", "not base64");
}
