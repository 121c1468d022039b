import {
  abortOnTerminate,
  type Clock,
  CONNECTION_OPTIONS,
  Connection,
  type ConnectionOptions,
  checkOptions,
  compact,
  decodeUtf8,
  type Handlers,
  type MessageProtocol,
  type OwnConnection,
  observed,
  type Protocol,
  ProtocolError,
  type Sink,
  systemClock,
} from "../../core/index.ts";
import { answerClose, closeWith } from "./close-code.ts";
import { JoinedFrames, type WebSocketStream } from "./joined-frames.ts";
import { bytesOf, isEmitter, onEvent, toSend, type WebSocketLike } from "./web-socket-like.ts";

/** Handlers and limits of a connection over a WebSocket. */
export type WebSocketOptions<In, Out = In, Context = undefined> = Handlers<In, Out, Context> &
  ConnectionOptions & {
    /**
     * The meaning of a WebSocket message. `'message'`: a message holds complete frames, one when sent, any
     * number when received; a frame that is cut off at the end of its message is an error. `'stream'`:
     * messages are chunks of a stream, always binary, for servers that forward a TCP protocol in WebSocket
     * messages.
     * @defaultValue 'message'
     */
    readonly boundary?: "message" | "stream" | undefined;
  };

/** Options for {@link attachWebSocket}: handlers, limits, and the stream of a server's socket. */
export type AttachWebSocketOptions<In, Out = In, Context = undefined> = WebSocketOptions<
  In,
  Out,
  Context
> & {
  /**
   * For servers on Node with the package `ws`: `request.socket` of the `connection` event. The messages of a
   * turn are then written together, which takes a fraction of the CPU time if there are many. Messages stay
   * separate for the peer. Ignored if the socket has negotiated an extension, such as compression.
   *
   * Never pass the stream of a client's socket: clients must mask what they send.
   */
  readonly stream?: WebSocketStream | undefined;
};

/**
 * Names of the handlers and options, for `checkOptions`.
 * @internal
 */
export const WEB_SOCKET_OPTIONS: readonly string[] = ["boundary", ...CONNECTION_OPTIONS];

const ATTACH_OPTIONS: readonly string[] = ["stream", ...WEB_SOCKET_OPTIONS];

// The socket counts as full above this many unsent bytes. Without a callback the amount is polled, so this
// much must last from one poll to the next.
const FULL = 64 * 1024;
const FULL_WITHOUT_CALLBACK = 256 * 1024;
const LOOK_EVERY_MS = 5;

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/**
 * Runs a protocol over an existing WebSocket, open or connecting: one of a browser, Node, Deno, Bun or the
 * package `ws`, or an object that only has `onopen`, `onmessage`, `onclose` and `onerror`. The connection
 * owns the socket from now on. Text protocols are sent as text frames; text and binary frames are both
 * accepted.
 *
 * Only `ws` and Bun can stop reading: on other sockets, messages that arrive during a pause are queued, up
 * to `maxQueued`. After an error, the close code tells the peer the reason: 1002 protocol violation, 1009
 * message too long, 1008 peer too slow, 1011 a handler threw (browsers may only send 4002, 4009, 4008,
 * 4011).
 *
 * @param socket - the WebSocket
 * @param protocol - the protocol of the connection; it needs no framing, unless `boundary` is `'stream'`
 * @param options - handlers and limits
 * @returns the connection; messages that you send before the socket is open are queued
 *
 * @example
 * ```ts
 * import { json, perMessage } from "framewright";
 * import { attachWebSocket } from "framewright/web";
 *
 * const chat = perMessage().wrap(json<{ say: string }>());
 *
 * export function join(url: string) {
 *   return attachWebSocket(new WebSocket(url), chat, {
 *     open: (connection) => connection.send({ say: "hello" }),
 *     message: (_connection, { say }) => console.log(say),
 *     close: (_connection, { by, code }) => console.log(`closed by ${by}, code ${code}`),
 *   });
 * }
 * ```
 */
export function attachWebSocket<In, Out = In, Context = undefined>(
  socket: WebSocketLike,
  protocol: MessageProtocol<In, Out>,
  options?: AttachWebSocketOptions<In, Out, Context> & {
    readonly boundary?: "message" | undefined;
  },
): Connection<In, Out, Context>;
/** Runs a stream protocol: messages are chunks of a stream. */
export function attachWebSocket<In, Out = In, Context = undefined>(
  socket: WebSocketLike,
  protocol: Protocol<In, Out>,
  options: AttachWebSocketOptions<In, Out, Context>,
): Connection<In, Out, Context>;
export function attachWebSocket<In, Out, Context>(
  socket: WebSocketLike,
  protocol: MessageProtocol<In, Out>,
  options: AttachWebSocketOptions<In, Out, Context> = {},
): Connection<In, Out, Context> {
  checkOptions("attachWebSocket", options, ATTACH_OPTIONS);
  const { boundary = "message", clock = systemClock, stream } = options;
  const drained = (): void => connection.drained();
  const plain = webSocketSink(socket, boundary, clock, drained);
  // An empty string: the handshake is over, and no extension was negotiated.
  const isJoined = stream !== undefined && socket.extensions === "" && isEmitter(socket);
  const sink = isJoined ? joinedSink(plain, socket, new JoinedFrames(stream), drained) : plain;
  const connection = new Connection(
    protocol,
    sink,
    options,
    observed(options, () => import("./debug.ts")),
  );
  abortOnTerminate(socket, () => connection.abort());
  if (socket.binaryType !== "nodebuffer") socket.binaryType = "arraybuffer";

  const received = (data: unknown): void => {
    const bytes = bytesOf(data);
    if (bytes !== undefined) connection.received(bytes);
    else connection.abort(new TypeError("WebSocket message is neither text nor an ArrayBuffer"));
  };
  // `ws` delivers text as bytes to this listener, so it need not become a string first.
  if (isEmitter(socket)) socket.on("message", received);
  else onEvent(socket, "message", (event: { data: unknown }) => received(event.data));

  let failure: unknown;
  onEvent(socket, "error", (event: { error?: unknown } | undefined) => {
    // Browsers do not tell the reason.
    failure = event?.error ?? new ProtocolError("closed", "the WebSocket failed");
  });
  onEvent(socket, "close", (event: CloseEventLike) => {
    const { code, reason: text } = event;
    // 1006 means that no close frame was received.
    const { wasClean = code !== undefined && code !== 1006 } = event;
    // In workerd this event reports the peer's close while ours is still to be sent.
    if (socket.readyState === CLOSING) answerClose(socket, code);
    connection.lost(failure ?? (wasClean ? undefined : unclean(code)), { code, text });
  });
  if (socket.readyState === CONNECTING) {
    (connection as unknown as OwnConnection).teller?.({ type: "connecting", to: sink.peer });
  }
  if (socket.readyState === OPEN) connection.opened();
  else onEvent(socket, "open", () => connection.opened());
  // No further event follows.
  if (socket.readyState === CLOSED) connection.lost(unclean(undefined));
  return connection;
}

/** The close event; outside of browsers it may be incomplete. */
interface CloseEventLike {
  readonly code?: number | undefined;
  readonly reason?: string | undefined;
  readonly wasClean?: boolean | undefined;
}

function unclean(code: number | undefined): ProtocolError {
  const text = code === undefined ? "the WebSocket was closed already" : `WebSocket lost (${code})`;
  return new ProtocolError("closed", text);
}

/** The URL without parts that may be secret: a user name, a query. */
function addressOf({ url }: WebSocketLike): string | undefined {
  if (typeof url !== "string" || url === "") return undefined;
  return url.replace(/[?#].*$/s, "").replace(/\/\/[^/]*@/, "//");
}

function webSocketSink(
  socket: WebSocketLike,
  boundary: "message" | "stream",
  clock: Clock,
  drained: () => void,
): Sink {
  const buffered = (): number => socket.bufferedAmount ?? 0;
  const look = (): void => {
    if (socket.readyState !== OPEN || buffered() <= FULL_WITHOUT_CALLBACK / 2) drained();
    else clock.after(LOOK_EVERY_MS, look);
  };
  return {
    boundary,
    peer: addressOf(socket),
    buffered,
    write(bytes, isText) {
      // A closing socket sends nothing more, and would count the bytes as unsent forever.
      if (socket.readyState !== OPEN) return true;
      const asText = isText && boundary === "message";
      if (isEmitter(socket)) {
        const behind = buffered();
        const isFull = behind + bytes.length > FULL;
        const own = behind > 0 ? compact(bytes) : bytes;
        socket.send(own, { binary: !asText }, isFull ? drained : undefined);
        return !isFull;
      }
      socket.send(asText ? decodeUtf8(bytes) : toSend(socket, bytes));
      if (buffered() <= FULL_WITHOUT_CALLBACK) return true;
      clock.after(LOOK_EVERY_MS, look);
      return false;
    },
    pause: () => socket.pause?.(),
    resume: () => socket.resume?.(),
    close: (error) => closeWith(socket, error),
    abort(error) {
      if (socket.terminate !== undefined) socket.terminate();
      else closeWith(socket, error);
    },
  };
}

/** Writes past the socket, straight to its stream. */
function joinedSink(
  plain: Sink,
  socket: WebSocketLike,
  frames: JoinedFrames,
  drained: () => void,
): Sink {
  const { boundary } = plain;
  const buffered = (): number => plain.buffered!() + frames.length;
  return {
    ...plain,
    buffered,
    write(bytes, isText) {
      if (socket.readyState !== OPEN) return true;
      const behind = buffered();
      const isFull = behind + bytes.length > FULL;
      const own = behind > frames.length ? compact(bytes) : bytes;
      frames.add(own, isText && boundary === "message", isFull ? drained : undefined);
      return !isFull;
    },
    cork: () => frames.cork(),
    uncork: () => frames.uncork(),
  };
}
