import {
  checkLimits,
  checkOptions,
  limitsOf,
  type MessageProtocol,
  type Protocol,
} from "../../core/index.ts";
import {
  type Reconnecting,
  type ReconnectOptions,
  reconnecting,
  reconnectPolicy,
} from "../../session/index.ts";
import { attachWebSocket, WEB_SOCKET_OPTIONS, type WebSocketOptions } from "./web-socket.ts";
import type { WebSocketLike } from "./web-socket-like.ts";

/** Options for {@link connectWebSocket}: handlers, limits, and how to connect. */
export type ConnectWebSocketOptions<In, Out = In, Context = undefined> = WebSocketOptions<
  In,
  Out,
  Context
> & {
  /** Subprotocols to offer. */
  readonly protocols?: string | readonly string[] | undefined;
  /**
   * Connects again when an attempt fails or the connection is lost; `true` uses the default delays. The
   * handlers are called for each new connection, including `context`.
   * @defaultValue false
   */
  readonly reconnect?: boolean | ReconnectOptions | undefined;
  /**
   * Time limit of one attempt, in milliseconds; then it fails with `timeout`. 0 or Infinity: no limit
   * except the runtime's.
   * @defaultValue 30 000
   */
  readonly connectTimeout?: number | undefined;
  /** Closes the client, as `close` does. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The WebSocket class: pass that of the package `ws` if the runtime has none (Node before 22).
   * @defaultValue the global WebSocket
   */
  readonly WebSocket?: WebSocketClass | undefined;
};

/** The constructor of a WebSocket class. */
export type WebSocketClass = new (
  url: string | URL,
  protocols?: string | string[],
) => WebSocketLike;

/** A client that keeps one connection open, and connects again if it is lost. */
export type WebSocketClient<In, Out = In, Context = undefined> = Reconnecting<In, Out, Context>;

const CONNECT_TIMEOUT = 30_000;

const OPTIONS = [
  ...["protocols", "reconnect", "connectTimeout", "signal", "WebSocket"],
  ...WEB_SOCKET_OPTIONS,
];

/**
 * Opens a WebSocket, and with `reconnect` another one when it is lost.
 *
 * @param url - `ws:` or `wss:`
 * @param protocol - the protocol of the connection
 * @param options - handlers, limits, `reconnect`
 * @returns the client; `ready()` resolves with the connection
 * @throws TypeError if the runtime has no WebSocket and you passed none, and for an unknown option;
 *   RangeError for an invalid limit
 *
 * @example
 * ```ts
 * import { json, perMessage } from "framewright";
 * import { connectWebSocket } from "framewright/web";
 *
 * export function follow(url: string) {
 *   return connectWebSocket(url, perMessage().wrap(json()), {
 *     reconnect: { minDelay: 500, maxDelay: 20_000 },
 *     open: (connection) => connection.send({ op: "login" }),
 *     message: (_connection, message) => console.log(message),
 *     close: (_connection, { by, code }) => console.log(`lost (${by}, ${code})`),
 *   });
 * }
 * ```
 */
export function connectWebSocket<In, Out = In, Context = undefined>(
  url: string | URL,
  protocol: MessageProtocol<In, Out>,
  options?: ConnectWebSocketOptions<In, Out, Context> & {
    readonly boundary?: "message" | undefined;
  },
): WebSocketClient<In, Out, Context>;
/** Opens a WebSocket with messages that are chunks of a stream. */
export function connectWebSocket<In, Out = In, Context = undefined>(
  url: string | URL,
  protocol: Protocol<In, Out>,
  options: ConnectWebSocketOptions<In, Out, Context>,
): WebSocketClient<In, Out, Context>;
export function connectWebSocket<In, Out, Context>(
  url: string | URL,
  protocol: MessageProtocol<In, Out>,
  options: ConnectWebSocketOptions<In, Out, Context> = {},
): WebSocketClient<In, Out, Context> {
  checkOptions("connectWebSocket", options, OPTIONS);
  checkLimits(options, "connectTimeout");
  limitsOf(options);
  const {
    protocols,
    reconnect = false,
    connectTimeout = CONNECT_TIMEOUT,
    signal,
    WebSocket: Socket = globalThis.WebSocket as WebSocketClass | undefined,
    ...rest
  } = options;
  if (Socket === undefined) {
    throw new TypeError("this runtime has no WebSocket: pass the class of the package ws");
  }
  const list = typeof protocols === "object" ? Array.from(protocols) : protocols;
  let refused: { readonly error: unknown } | undefined;
  const client = reconnecting(
    ({ failures }) => {
      try {
        // The overloads check if the protocol has a framing; attachWebSocket checks it again at run time.
        const framed = protocol as Protocol<In, Out>;
        return attachWebSocket(new Socket(url, list), framed, { handlerErrors: "throw", ...rest });
      } catch (error) {
        // The URL or a subprotocol is invalid, and would fail again.
        if (failures === 0) refused = { error };
        throw error;
      }
    },
    {
      ...reconnectPolicy(reconnect),
      connectTimeout,
      signal,
      clock: options.clock,
      trace: options.trace,
      name: protocol.name,
    },
  );
  if (refused === undefined) return client;
  client.close();
  throw refused.error;
}
