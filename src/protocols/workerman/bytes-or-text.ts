import type { Output } from "../../core/index.ts";

/** Writes bytes unchanged, or text as UTF-8. */
export function writeBytesOrText(value: Uint8Array | string, out: Output): void {
  if (typeof value === "string") out.utf8(value);
  else out.bytes(value);
}
