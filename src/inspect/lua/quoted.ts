import { Output } from "../../core/index.ts";

/** Text as a Lua literal: one byte for each character. */
export function quoted(text: string): string {
  return quotedBytes(new Output().utf8(text).take());
}

/** Bytes as a Lua literal. */
export function quotedBytes(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    out += isPlain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, "0")}`;
  }
  return `"${out}"`;
}
