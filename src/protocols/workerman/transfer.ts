import { type Protocol, raw } from "../../core/index.ts";
import type { FramingOptions } from "../../framing/index.ts";
import { writeBytesOrText } from "./bytes-or-text.ts";

/**
 * A file on its way, its members named as in Workerman's manual. The name is whatever the peer says: never use it
 * as a path.
 */
export interface TransferredFile {
  /** Name of the file. */
  readonly file_name: string;
  /** What is in it. */
  readonly file_data: Uint8Array;
}

/** What a server of the manual's transfer examples answers: bytes, or text as UTF-8, as they are. */
export type TransferReply = Uint8Array | string;

/** What `binaryTransfer` and `textTransfer` can be given. */
export interface TransferOptions extends FramingOptions {
  /**
   * In the manual's examples only the client's packages have a frame; the server's replies are bare bytes.
   * A `'server'` reads files and writes bare bytes; a `'client'` writes files and gets bare bytes, in whatever
   * pieces they arrive.
   * @defaultValue undefined: files in both directions
   */
  readonly side?: "client" | "server" | undefined;
}

/** The protocol of one side. */
export function sideOf(
  files: Protocol<TransferredFile>,
  side: TransferOptions["side"],
): Protocol<never, unknown> {
  const { name, maxFrame } = files;
  switch (side) {
    case undefined:
      return files;
    case "server": {
      const server: Protocol<TransferReply, TransferredFile> = {
        name,
        maxFrame,
        measure: files.measure,
        ...(files.layout && { layout: files.layout }),
        payload: files.payload,
        ...(files.recover && { recover: files.recover }),
        decode: files.decode,
        encode: writeBytesOrText,
      };
      return Object.freeze(server);
    }
    case "client": {
      const client: Protocol<TransferredFile, Uint8Array> = {
        name,
        maxFrame,
        // What is here is a message: nothing in the stream says where a reply ends.
        measure: (_, start, end) => end - start,
        loose: true,
        decode: raw().decode,
        encode: files.encode,
      };
      return Object.freeze(client);
    }
    default:
      throw new RangeError(`side must be "client" or "server", not ${side}`);
  }
}
