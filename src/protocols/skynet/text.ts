import { Output } from "../../core/index.ts";

/** Encodes text as UTF-8; returns bytes unchanged. */
export function bytesOf(given: Uint8Array | string): Uint8Array {
  return typeof given === "string" ? new Output().utf8(given).take() : given;
}
