import {
  type Codec,
  checkOptions,
  decodeUtf8,
  type Protocol,
  ProtocolError,
} from "../../core/index.ts";
import { checkRoom } from "./errors.ts";
import { totalLength } from "./total-length.ts";
import {
  sideOf,
  type TransferOptions,
  type TransferReply,
  type TransferredFile,
} from "./transfer.ts";

/** Width of the total length and the length of the name, in bytes. */
const HEADER = 5;

/**
 * Protocol BinaryTransfer, the third example of Workerman's manual: a file and its name.
 *
 * ```text
 *   0               4          5                  5 + n
 *   | total: u32 BE | n: u8    | name: n bytes    | data: total - 5 - n bytes |
 *
 *   00 00 00 09 01 61 78 79 7a      the file "a" with the bytes "xyz"
 * ```
 *
 * A name that does not fit in its package is `malformed` (`bad-length`), as is a total below 5
 * (`length-below-header`). The name is strict UTF-8; one of more than 255 bytes is `unencodable`.
 * `file_data` is a view of the received memory.
 *
 * @param options - `side`: direction of the files; `maxFrame`: largest package, header included
 * @defaultValue side undefined (both directions), maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { encodeFrame } from "framewright";
 * import { binaryTransfer } from "framewright/workerman";
 *
 * const file = { file_name: "a", file_data: Uint8Array.of(1, 2, 3) };
 * console.log(encodeFrame(binaryTransfer(), file).join(" "));
 * //=> 0 0 0 9 1 97 1 2 3
 * ```
 */
export function binaryTransfer(
  options?: TransferOptions & { readonly side?: undefined },
): Protocol<TransferredFile>;
export function binaryTransfer(
  options: TransferOptions & { readonly side: "client" },
): Protocol<TransferredFile, Uint8Array>;
export function binaryTransfer(
  options: TransferOptions & { readonly side: "server" },
): Protocol<TransferReply, TransferredFile>;
export function binaryTransfer(options: TransferOptions = {}): Protocol<never, unknown> {
  checkOptions("binaryTransfer", options, ["maxFrame", "side"]);
  const files = totalLength({ name: "binaryTransfer", header: HEADER, codec, check }, options);
  return sideOf(files, options.side);
}

function check(bytes: Uint8Array, start: number, length: number): void {
  checkRoom("name", bytes[start + 4]!, length - HEADER, length, start + 4);
}

const codec: Codec<TransferredFile> = {
  format: { name: "transfer" },
  decode(bytes, start, end) {
    const name = start + 1;
    const data = name + bytes[start]!;
    return { file_name: decodeUtf8(bytes, name, data), file_data: bytes.subarray(data, end) };
  },
  encode({ file_name, file_data }, out) {
    const at = out.reserve(1);
    out.utf8(file_name);
    const length = out.length - at - 1;
    if (length > 255) {
      throw new ProtocolError("unencodable", `file name of ${length} bytes exceeds 255`);
    }
    out.patch(at, 1, length).bytes(file_data);
  },
};
