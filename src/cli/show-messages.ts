import { FrameReader, jsonLines, type Source, valueLines } from "./frame-reader.ts";
import { loadProtocol } from "./load-protocol.ts";
import type { Pipe } from "./streams.ts";

/** Shows the messages that one side of a connection sends. */
export interface Shown {
  /** Takes bytes that this side sent. */
  push(data: Uint8Array): void;
  /** Ends the input. */
  finish(): void;
}

/**
 * Shows the messages of connections, with time, number of the connection, and direction.
 *
 * @returns makes what shows one side of a connection
 * @throws RangeError if there is no such protocol
 */
export async function showMessages(
  options: {
    readonly protocol?: string | undefined;
    readonly replies?: string | undefined;
    readonly json?: boolean | undefined;
  },
  out: Pipe,
): Promise<(connection: number, isClient: boolean) => Shown> {
  const protocol = await loadProtocol(options.protocol);
  const replies = options.replies === undefined ? protocol : await loadProtocol(options.replies);
  const show = options.json === true ? jsonLines(out) : valueLines(out);
  return (connection, isClient) => {
    const reader = new FrameReader(isClient ? protocol : replies, show);
    const source = (): Source => {
      const time = new Date().toISOString();
      return {
        json: { connection, from: isClient ? "client" : "server", time },
        words: `${time.slice(11, 23)} #${connection} ${isClient ? ">" : "<"} `,
      };
    };
    return {
      push: (data) => reader.push(data, source()),
      finish: () => reader.finish(source()),
    };
  };
}
