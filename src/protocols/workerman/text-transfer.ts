import {
  type Codec,
  checkOptions,
  fromBase64,
  isBytes,
  isDetached,
  type Protocol,
  ProtocolError,
  toBase64,
} from "../../core/index.ts";
import { delimited } from "../../framing/index.ts";
import { decodeThrew } from "./errors.ts";
import { phpJson } from "./json.ts";
import {
  sideOf,
  type TransferOptions,
  type TransferReply,
  type TransferredFile,
} from "./transfer.ts";

/**
 * Protocol TextTransfer, the fourth example of Workerman's manual: a file and its name as a line of
 * JSON.
 *
 * ```text
 *   {"file_name":"logo.png","file_data":"PD9waHAK"} 0a
 * ```
 *
 * The data is base64 (standard alphabet, padded), the JSON has the same bytes as PHP's (`/` as
 * `\/`). The first LF ends a package; the manual's example takes the whole buffer. A line that is
 * not such a JSON object is `malformed` (`decode-threw`).
 *
 * @param options - `side`: direction of the files; `maxFrame`: longest line, LF included
 * @defaultValue side undefined (both directions), maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { decodeUtf8, encodeFrame } from "framewright";
 * import { textTransfer } from "framewright/workerman";
 *
 * const file = { file_name: "a", file_data: Uint8Array.of(255, 255, 255) };
 * console.log(decodeUtf8(encodeFrame(textTransfer(), file)).trim());
 * //=> {"file_name":"a","file_data":"\/\/\/\/"}
 * ```
 */
export function textTransfer(
  options?: TransferOptions & { readonly side?: undefined },
): Protocol<TransferredFile>;
export function textTransfer(
  options: TransferOptions & { readonly side: "client" },
): Protocol<TransferredFile, Uint8Array>;
export function textTransfer(
  options: TransferOptions & { readonly side: "server" },
): Protocol<TransferReply, TransferredFile>;
export function textTransfer(options: TransferOptions = {}): Protocol<never, unknown> {
  checkOptions("textTransfer", options, ["maxFrame", "side"]);
  return sideOf(
    delimited("\n", { maxFrame: options.maxFrame }).wrap(codec, { name: "textTransfer" }),
    options.side,
  );
}

const json = phpJson();

const codec: Codec<TransferredFile> = {
  decode(bytes, start, end) {
    try {
      return fileOf(json.decode(bytes, start, end));
    } catch (error) {
      throw decodeThrew(error, start);
    }
  },
  encode({ file_name, file_data }, out) {
    if (typeof file_name !== "string") throw unencodable("file_name is not a string");
    if (!isBytes(file_data)) throw unencodable("file_data is not a Uint8Array");
    if (isDetached(file_data))
      throw unencodable("file_data was transferred away, and is empty now");
    json.encode({ file_name, file_data: toBase64(file_data) }, out);
  },
  text: true,
  format: { name: "json" },
};

function fileOf(value: unknown): TransferredFile {
  const { file_name, file_data } = (value ?? {}) as Record<string, unknown>;
  if (typeof file_name !== "string") throw new TypeError("no file_name");
  const bytes = typeof file_data === "string" ? fromBase64(file_data) : undefined;
  if (bytes === undefined) throw new TypeError("no file_data in base64");
  return { file_name, file_data: bytes };
}

function unencodable(text: string): ProtocolError {
  return new ProtocolError("unencodable", text);
}
