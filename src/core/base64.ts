/* Base64, standard alphabet with padding (RFC 4648, section 4); ES2022 has none of its own. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Value of each character by its code below 128; 64 for all others. */
export const base64Values: Uint8Array = /* @__PURE__ */ valuesOf(ALPHABET);

function valuesOf(alphabet: string): Uint8Array {
  const values = new Uint8Array(128).fill(64);
  for (let i = 0; i < 64; i++) values[alphabet.charCodeAt(i)] = i;
  return values;
}

/** Writes base64 with padding. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  const whole = bytes.length - (bytes.length % 3);
  for (let i = 0; i < whole; i += 3) {
    text += four((bytes[i]! << 16) | (bytes[i + 1]! << 8) | bytes[i + 2]!);
  }
  if (bytes.length - whole === 1) return `${text}${four(bytes[whole]! << 16).slice(0, 2)}==`;
  if (bytes.length - whole === 2) {
    return `${text}${four((bytes[whole]! << 16) | (bytes[whole + 1]! << 8)).slice(0, 3)}=`;
  }
  return text;
}

const four = (bits: number): string =>
  ALPHABET[bits >> 18]! +
  ALPHABET[(bits >> 12) & 63]! +
  ALPHABET[(bits >> 6) & 63]! +
  ALPHABET[bits & 63]!;

/** Reads base64 with padding; undefined if `text` is anything else. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const characters = text.length - padding;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let bits = 0;
  for (let i = 0, at = 0; i < text.length; i++) {
    const value = i < characters ? (base64Values[text.charCodeAt(i)] ?? 64) : 0;
    if (value === 64) return undefined;
    bits = (bits << 6) | value;
    if (i % 4 === 3) {
      // Bytes after the end of the array, in place of which there is padding, are not stored.
      bytes[at++] = bits >> 16;
      bytes[at++] = bits >> 8;
      bytes[at++] = bits;
      bits = 0;
    }
  }
  return bytes;
}
