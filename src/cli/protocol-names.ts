import { readFileSync } from "node:fs";
import { brotliDecompressSync, inflateSync } from "node:zlib";
import { type AnyProtocol, type NameHost, namedProtocol } from "../inspect/ready/index.ts";

const HOST: NameHost = {
  inflate(method, bytes, maxOutputLength) {
    const unpack = method === "zlib" ? inflateSync : brotliDecompressSync;
    return unpack(bytes, { maxOutputLength });
  },
  schema: (file) => readFileSync(file, "utf8"),
};

/**
 * Returns the protocol that `--protocol` names.
 *
 * @throws RangeError if there is none
 */
export function protocolOf(text: string): AnyProtocol {
  try {
    return namedProtocol(text, HOST);
  } catch (error) {
    const { message } = error as Error;
    throw new RangeError(
      message.startsWith("unknown protocol")
        ? `framewright: ${message}; or a file: ./mine.ts#name`
        : `framewright: --protocol ${message}`,
    );
  }
}
