import {
  type Clock,
  type Connection,
  checkLimits,
  checkOptions,
  limitsOf,
  type MessageProtocol,
  onAbort,
  type Protocol,
  ProtocolError,
  systemClock,
} from "../../core/index.ts";
import { type Delays, delayAfter, type ReconnectOptions } from "./reconnect.ts";
import { attachWebSocketWith, WEB_SOCKET_OPTIONS, type WebSocketOptions } from "./web-socket.ts";
import type { WebSocketLike } from "./web-socket-like.ts";

/** Handlers, limits, and how to connect. */
export type ConnectWebSocketOptions<In, Out = In, Context = undefined> = WebSocketOptions<
  In,
  Out,
  Context
> & {
  /** Subprotocols to offer. */
  readonly protocols?: string | readonly string[] | undefined;
  /**
   * What to do when a connection is lost, or none comes about: `true` tries again, with growing delays. The
   * handlers are called for each connection anew, `context` too.
   * @defaultValue false
   */
  readonly reconnect?: boolean | ReconnectOptions | undefined;
  /**
   * Milliseconds for one attempt; then it fails with `timeout`. 0 or Infinity: no limit of ours.
   * @defaultValue 30 000
   */
  readonly connectTimeout?: number | undefined;
  /** Closes the client, as `close` does. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The class of sockets: that of the package `ws` where the runtime has none (Node before 22).
   * @defaultValue the global WebSocket
   */
  readonly WebSocket?: WebSocketClass | undefined;
};

/** Makes WebSockets. */
export type WebSocketClass = new (
  url: string | URL,
  protocols?: string | string[],
) => WebSocketLike;

/** A client that keeps a connection, or tries to. */
export interface WebSocketClient<In, Out = In, Context = undefined> {
  /** The open connection; undefined while there is none. */
  readonly connection: Connection<In, Out, Context> | undefined;
  /**
   * `'connecting'`: an attempt is under way. `'waiting'`: the next one follows after a delay. `'closed'`: there
   * will be no further one.
   */
  readonly state: "connecting" | "open" | "waiting" | "closed";
  /**
   * The open connection, at once or when there is one.
   *
   * @throws what went wrong, when the client gives up before there is one; ProtocolError `closed` after `close`
   */
  ready(): Promise<Connection<In, Out, Context>>;
  /**
   * Sends over the open connection.
   *
   * @returns as `Connection.send`; false, too, while there is no connection: then nothing is sent
   */
  send(value: In): boolean;
  /** Closes the connection (what was sent goes out first), and makes no further one. */
  close(): void;
}

const CONNECT_TIMEOUT = 30_000;

const OPTIONS = [
  ...["protocols", "reconnect", "connectTimeout", "signal", "WebSocket"],
  ...WEB_SOCKET_OPTIONS,
];

/**
 * Opens a WebSocket, and another one when it is lost, where that is wished.
 *
 * @param url - `ws:` or `wss:`
 * @param protocol - what comes and goes
 * @param options - handlers, limits, `reconnect`
 * @returns the client; `ready()` waits for the connection
 * @throws TypeError if the runtime has no WebSocket and none was given, and for an unknown option; RangeError for an
 *   invalid limit
 *
 * @example
 * ```ts
 * import { json, perMessage } from "framewright";
 * import { connectWebSocket } from "framewright/web";
 *
 * export function follow(url: string) {
 *   return connectWebSocket(url, perMessage().wrap(json()), {
 *     reconnect: { first: 500, most: 20_000 },
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
/** The messages are chunks of a stream. */
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
    ...rest
  } = options;
  const clock: Clock = options.clock ?? systemClock;
  const Socket = options.WebSocket ?? (globalThis.WebSocket as WebSocketClass | undefined);
  if (Socket === undefined) {
    throw new TypeError("this runtime has no WebSocket: give the class of the package ws");
  }
  const policy = reconnect === true ? {} : reconnect;
  const delays: Delays = { attempt: 0 };
  let state: WebSocketClient<In, Out, Context>["state"] = "connecting";
  let current: Connection<In, Out, Context> | undefined;
  let cancelWait: (() => void) | undefined;
  let stopListening = (): void => {};
  const waiters: {
    resolve(connection: Connection<In, Out, Context>): void;
    reject(error: unknown): void;
  }[] = [];

  function giveUp(error: unknown): void {
    state = "closed";
    stopListening();
    for (const waiter of waiters.splice(0)) waiter.reject(error);
  }

  function attempt(): void {
    state = "connecting";
    const list = typeof protocols === "object" ? [...protocols] : protocols;
    let openedAt: number | undefined;
    let cancelTimeout: (() => void) | undefined;
    const connection = attachWebSocketWith<In, Out, Context>(new Socket!(url, list), protocol, {
      handlerErrors: "throw",
      ...rest,
      open(opened) {
        cancelTimeout?.();
        openedAt = clock.now();
        current = opened;
        if (state !== "closed") state = "open";
        for (const waiter of waiters.splice(0)) waiter.resolve(opened);
        return rest.open?.(opened);
      },
      gone(_dropped, info) {
        cancelTimeout?.();
        current = undefined;
        const error = info.error ?? new ProtocolError("closed", "the connection was closed");
        const stayed = openedAt === undefined ? 0 : clock.now() - openedAt;
        const isWanted = state !== "closed" && info.by !== "local" && policy !== false;
        const delay = isWanted ? delayAfter(policy, delays, info, stayed) : undefined;
        if (delay === undefined) {
          giveUp(error);
        } else {
          state = "waiting";
          cancelWait = clock.after(delay, attempt);
        }
      },
    });
    if (connection.state === "closed") return;
    current = connection;
    if (connectTimeout > 0 && connectTimeout !== Infinity && connection.state === "opening") {
      cancelTimeout = clock.after(connectTimeout, () => {
        connection.abort(new ProtocolError("timeout", `no connection within ${connectTimeout} ms`));
      });
    }
  }

  function close(): void {
    cancelWait?.();
    const connection = current;
    giveUp(new ProtocolError("closed", "the client was closed"));
    connection?.close();
  }

  if (signal?.aborted) {
    giveUp(signal.reason);
  } else {
    stopListening = onAbort(signal, close);
    attempt();
  }
  return Object.freeze<WebSocketClient<In, Out, Context>>({
    get connection() {
      return state === "open" ? current : undefined;
    },
    get state() {
      return state;
    },
    ready() {
      if (state === "open" && current !== undefined) return Promise.resolve(current);
      if (state === "closed") {
        return Promise.reject(new ProtocolError("closed", "the client is closed"));
      }
      return new Promise((resolve, reject) => {
        waiters.push({ resolve, reject });
      });
    },
    send: (value) => state === "open" && current !== undefined && current.send(value),
    close,
  });
}
