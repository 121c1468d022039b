import { encodeUtf8Into } from "../core/index.ts";

/**
 * Copies an option that is text (as UTF-8) or bytes, because the caller's array may change.
 *
 * Does not use an Output, which programs that only read would otherwise have to include.
 */
export function toBytes(given: string | Uint8Array): Uint8Array {
  if (typeof given !== "string") return Uint8Array.from(given);
  const room = new Uint8Array(3 * given.length);
  return room.slice(0, encodeUtf8Into(given, room, 0));
}
