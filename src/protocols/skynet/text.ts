import { Output } from "../../core/index.ts";

/** Text as UTF-8; bytes as they are. */
export function bytesOf(given: Uint8Array | string): Uint8Array {
  return typeof given === "string" ? new Output().utf8(given).take() : given;
}
