import { type Protocol, raw } from "../../core/index.ts";
import type { FramingOptions } from "../../framing/index.ts";
import { writeBytesOrText } from "./bytes-or-text.ts";

/**
 * A transferred file; members are named as in Workerman's manual. The peer chooses the name: never
 * use it as a path.
 */
export interface TransferredFile {
  /** Name of the file. */
  readonly file_name: string;
  /** Contents of the file. */
  readonly file_data: Uint8Array;
}

/** Reply of a server in the manual's transfer examples: raw bytes, or text as UTF-8. */
export type TransferReply = Uint8Array | string;

/** Options for `binaryTransfer` and `textTransfer`. */
export interface TransferOptions extends FramingOptions {
  /**
   * This side. In the manual's examples only the client's packages have a frame; the server's
   * replies are bare bytes. A `'server'` reads files and writes bare bytes; a `'client'` writes
   * files and receives bare bytes, in chunks of any size.
   * @defaultValue undefined: files in both directions
   */
  readonly side?: "client" | "server" | undefined;
}

/** Returns the protocol of one side. */
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
        // Each chunk is a message: nothing in the stream marks the end of a reply.
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
