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
   * Observes the traffic: `a` the bytes that the first connection sends, `b` those that the second sends.
   * @defaultValue none
   */
  readonly tap?: PipeTap<A, B> | undefined;
}

/** A connection for {@link pipe}, with any message types. */
export type PipeConnection = Connection<never, unknown, unknown>;

const MAX_PIECE = 1_048_576;

/**
 * Forwards all bytes between two connections, in both directions, from now on: for tunnels, proxies and
 * loggers. Bytes that were received but not delivered are forwarded first.
 *
 * If one side does not read, the other side is slowed down. When one side ends, the output of the other
 * side is ended, and that side may go on sending until it ends too. On a transport that cannot end one
 * direction, it closes. If one side fails, the bytes that it sent before are still forwarded, and the other
 * side is closed with an error.
 *
 * `pipe` replaces the protocol and all handlers of both connections (as `use` does); their limits stay.
 * After one side has ended, `endTimeout` does not apply: the other side may send for as long as it needs.
 *
 * @param a - a connection of any transport; it may still be opening
 * @param b - the other connection
 * @param options - `tap`
 * @returns a promise that resolves when both connections are over, with how `a` and `b` ended; it never
 *   rejects
 * @throws TypeError for the same connection twice, an unknown option, or in the middle of a frame of
 *   several values
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
  if (a === b) throw new TypeError("cannot pipe a connection to itself");
  const [tapA, tapB] = [tapOf(tap.a), tapOf(tap.b)];
  // A text message stays text on the other side. Pieces of a stream do not: they may be cut inside a
  // character.
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
  // A connection that is over calls no handlers.
  if (a.state === "closed") b.close();
  if (b.state === "closed") a.close();
  return over;
}

/** Switches a connection, which is then paused, to forwarding. Returns a function that undoes it. */
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

/**
 * Bytes as they arrive, or whole messages if the transport preserves them. Forwarded data has no length
 * limit.
 */
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
      // However long the other side sends: a pending promise keeps this side open.
      return new Promise<void>((resolve) => void to.onInputEnd(() => resolve()));
    },
    close(_, { by, error }) {
      if (by === "error") to.failed(failureOf(error));
      else to.close();
    },
  };
}

/** Ends the output of a connection; closes it if the transport cannot end one direction. */
function endOutput(connection: PipeConnection): void {
  try {
    connection.end();
  } catch {
    connection.close();
  }
}

/** The error for the other side. It was already reported on the side where it happened. */
const failureOf = (cause: unknown): ProtocolError =>
  closedError("the other connection of the pipe failed", cause);
