import {
  type CloseInfo,
  type Connection,
  checkOptions,
  closedError,
  type Handlers,
  type MessageProtocol,
  type OwnConnection,
  type Protocol,
  type ProtocolError,
  raw,
} from "../core/index.ts";
import { type PipeTap, type Tap, tapOf } from "./tap.ts";

/** Options for {@link pipe}. */
export interface PipeOptions<A = never, B = never> {
  /**
   * Looks at what goes through: `a` at what the first connection sends, `b` at what the second one sends.
   * @defaultValue none
   */
  readonly tap?: PipeTap<A, B> | undefined;
}

/** A connection for {@link pipe}, whatever it sends and receives. */
export type PipeConnection = Connection<never, unknown, unknown>;

const MAX_PIECE = 1_048_576;

/**
 * Forwards all bytes of one connection to another, both ways, from now on: a tunnel, a proxy, a logger. Bytes that
 * were received and not delivered go first.
 *
 * A side that takes nothing slows the other one down. The end of one side ends the output of the other one, which goes
 * on sending until it ends as well; on a transport that cannot end one side alone, it closes. If one side fails, what it
 * sent before goes out, and the other one is closed with an error.
 *
 * `pipe` replaces the protocol and all handlers of both connections (as `use` does); their limits stay. After one side
 * has ended, `endTimeout` does not run: the other one may send for as long as it likes.
 *
 * @param a - a connection of any transport; may be opening
 * @param b - another one
 * @param options - `tap`
 * @returns resolves when both are over, with how `a` and `b` ended; never rejects
 * @throws TypeError for one connection twice, an unknown option, or in the middle of a frame of several values
 *
 * @example
 * ```ts
 * import { lines, utf8 } from "framewright";
 * import { connect, listen, pipe } from "framewright/node";
 *
 * const text = lines().wrap(utf8());
 * const server = await listen(text, {
 *   port: 0,
 *   message: (connection, line) => connection.send(line.toUpperCase()),
 * });
 * const proxy = await listen(text, {
 *   port: 0,
 *   async open(client) {
 *     const upstream = await connect(text, { port: server.port });
 *     pipe(client, upstream, { tap: { a: (bytes) => console.log(`${bytes.length} bytes go up`) } });
 *   },
 * });
 * const connection = await connect(text, { port: proxy.port });
 * connection.send("hello");
 * for await (const line of connection) {
 *   console.log(line);
 *   connection.close();
 * }
 * await proxy.close();
 * await server.close();
 * //=> 6 bytes go up
 * //=> HELLO
 * ```
 */
export function pipe<A = never, B = never>(
  a: PipeConnection,
  b: PipeConnection,
  options: PipeOptions<A, B> = {},
): Promise<readonly [a: CloseInfo, b: CloseInfo]> {
  checkOptions("pipe", options, ["tap"]);
  const { tap = {} } = options;
  checkOptions("tap", tap, ["a", "b"]);
  if (a === b) throw new TypeError("pipe() of a connection with itself");
  const [tapA, tapB] = [tapOf(tap.a), tapOf(tap.b)];
  // What is text for one side is text for the other; pieces of a stream are not, for they are cut anywhere.
  const isText = (from: PipeConnection): boolean =>
    a.boundary === "message" && b.boundary === "message" && from.protocol.text === true;
  const [protocolA, protocolB] = [bytesOf(a, isText(b)), bytesOf(b, isText(a))];
  const undo = switchTo(a, protocolA, forwarding(b, tapA));
  try {
    switchTo(b, protocolB, forwarding(a, tapB));
  } catch (error) {
    undo();
    throw error;
  }
  const over = Promise.all([a.closed, b.closed] as const);
  a.resume();
  b.resume();
  // One that is over already calls no handler.
  if (a.state === "closed") b.close();
  if (b.state === "closed") a.close();
  return over;
}

/** Gives a connection, which is paused then, its part of the work. Returns a function that takes it back. */
function switchTo(
  connection: PipeConnection,
  forwarded: MessageProtocol<never, Uint8Array>,
  forward: Handlers<never, Uint8Array, unknown>,
): () => void {
  const { protocol, handlers } = connection as PipeConnection & Partial<OwnConnection>;
  connection.pause();
  try {
    connection.use(forwarded, forward);
  } catch (error) {
    connection.resume();
    throw error;
  }
  return () => {
    connection.use(protocol, handlers);
    connection.resume();
  };
}

/** Bytes as they come, or whole messages if the transport preserves them. What is forwarded has no limit of its own. */
function bytesOf(from: PipeConnection, text: boolean): MessageProtocol<never, Uint8Array> {
  const { boundary, protocol } = from;
  const maxFrame = Math.max(MAX_PIECE, boundary === "message" ? protocol.maxFrame : 0);
  const message = { ...raw(), name: "pipe", maxFrame, maxSend: Number.MAX_SAFE_INTEGER, text };
  if (boundary === "message") return message;
  const measure = (_: Uint8Array, start: number, end: number): number => end - start;
  return { ...message, loose: true, measure } as Protocol<never, Uint8Array>;
}

function forwarding(
  to: PipeConnection,
  tap: Tap | undefined,
): Handlers<never, Uint8Array, unknown> {
  return {
    message(_, bytes) {
      const isRoomy = to.sendFrame(bytes as Uint8Array<ArrayBuffer>);
      tap?.push(bytes);
      return isRoomy ? undefined : to.ready();
    },
    end() {
      tap?.end();
      endOutput(to);
      // However long the other side goes on: a pending promise keeps this one open.
      return new Promise<void>((resolve) => void to.onInputEnd(() => resolve()));
    },
    close(_, { by, error }) {
      if (by === "error") to.failed(failureOf(error));
      else to.close();
    },
  };
}

/** Ends the output of a connection; all of it, if the transport cannot end one side alone. */
function endOutput(connection: PipeConnection): void {
  try {
    connection.end();
  } catch {
    connection.close();
  }
}

/** The error of one side as the other one sees it: it was reported there. */
const failureOf = (cause: unknown): ProtocolError =>
  closedError("the other connection of the pipe failed", cause);
