import {
  type CancelSignal,
  type Clock,
  type CloseInfo,
  type Connection,
  checkLimits,
  checkOptions,
  closedError,
  guard,
  handlerErrorsOf,
  ProtocolError,
  reportBug,
  systemClock,
  type Trace,
} from "../../core/index.ts";
import {
  type Attempt,
  type Reconnecting,
  type ReconnectOptions,
  Requests,
  type Retry,
  reconnecting,
  reconnectPolicy,
} from "../../session/index.ts";
import { base64Encode } from "./base64.ts";
import { hmacHash } from "./hashes.ts";
import { checkKey } from "./key.ts";
import { lastingHandlers } from "./lasting-handlers.ts";
import type { Connect } from "./login.ts";
import {
  clientPackages,
  handshakePackages,
  type MessageAnswer,
  type MessageRequest,
} from "./packages.ts";
import { StatusError, statusOf } from "./status.ts";

/** Where a client is. */
export type SkynetClientState = "connecting" | "handshake" | "open" | "waiting" | "closed";

/** Options for a client. Times are in milliseconds. */
export interface SkynetClientOptions {
  /** Opens a connection to the message server, with any transport: called at once, and again after each loss. */
  readonly connect: Connect;
  /** Name of the login, as `username` makes it. */
  readonly username: string;
  /** The secret of the login: 8 bytes. */
  readonly secret: Uint8Array;
  /**
   * Requests that may be sent and unanswered; more wait. A server remembers at least 128, and all of them are sent again after a
   * reconnect.
   * @defaultValue 96
   */
  readonly maxInFlight?: number | undefined;
  /**
   * Requests that may wait to be sent or answered; one more is rejected with `overflow`.
   * @defaultValue 1024
   */
  readonly maxPending?: number | undefined;
  /**
   * How long a request may take, reconnects included; 0 or Infinity: no limit.
   * @defaultValue 30 000
   */
  readonly timeout?: number | undefined;
  /**
   * How long a connection may take to open; 0 or Infinity: no limit.
   * @defaultValue 10 000
   */
  readonly connectTimeout?: number | undefined;
  /**
   * How long the server may take to accept the handshake; 0 or Infinity: no limit.
   * @defaultValue 10 000
   */
  readonly handshakeTimeout?: number | undefined;
  /**
   * When to connect again; `false` never. A server that does not know the login, or the secret, ends the client in any case.
   * @defaultValue `true`: gRPC's delays, without an end
   */
  readonly reconnect?: boolean | ReconnectOptions | undefined;
  /** Closes the client. */
  readonly signal?: CancelSignal | undefined;
  /** The server has accepted a handshake, the first one or a later one. */
  readonly open?: ((client: SkynetClient) => unknown) | undefined;
  /** The connection is lost, or none came about, and the next attempt follows. */
  readonly retry?: ((client: SkynetClient, retry: Retry) => unknown) | undefined;
  /**
   * It is over: with an error if the client gave up (a {@link StatusError} if it has to log in again), without one if `close`
   * was called.
   */
  readonly close?: ((client: SkynetClient, error?: unknown) => unknown) | undefined;
  /** As `error` of a connection: the server broke the protocol, the transport failed, or a handler threw. */
  readonly error?: ((client: SkynetClient, error: unknown) => unknown) | undefined;
  /**
   * The clock of all times.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
  /**
   * Called with everything that happens to the client and its connections: requests, heartbeats, further attempts, bytes and
   * messages. It is passed on to `connect` with the handlers.
   * @defaultValue none
   */
  readonly trace?: Trace | undefined;
  /**
   * Returns a number from 0 to 1, for the delays.
   * @defaultValue `Math.random`
   */
  readonly random?: (() => number) | undefined;
}

/** Options for one request. */
export interface SkynetRequestOptions {
  /** As the option of that name of the client. */
  readonly timeout?: number | undefined;
  /** Gives the request up: its promise is rejected with the signal's reason. */
  readonly signal?: CancelSignal | undefined;
}

const OPTIONS = [
  ...["connect", "username", "secret", "maxInFlight", "maxPending", "timeout"],
  ...["connectTimeout", "handshakeTimeout", "reconnect", "signal"],
  ...["open", "retry", "close", "error", "clock", "random", "trace"],
];

/**
 * A client of a message server of skynet (`snax.msgserver`): proves that it has the secret of a login, sends requests, and
 * connects again when the connection is lost.
 *
 * After a reconnect it sends all requests again that were not answered; the server answers those that it has executed without
 * executing them again. So a request is not rejected because a connection is lost. Requests are numbered upwards for the
 * whole life of the client: a new client needs a new login.
 *
 * The server sends nothing unasked. To be told of news, keep a request waiting at the server, with `timeout: 0`.
 *
 * @example
 * ```ts
 * import { connect } from "framewright/node";
 * import { SkynetClient } from "framewright/skynet";
 *
 * export function play(host: string, username: string, secret: Uint8Array): SkynetClient {
 *   return new SkynetClient({
 *     connect: (protocol, handlers) => connect(protocol, { host, port: 8888, ...handlers }),
 *     username,
 *     secret,
 *     close: (_, error) => console.log("log in again", error),
 *   });
 * }
 * ```
 */
export class SkynetClient {
  readonly #options: SkynetClientOptions;
  readonly #clock: Clock;
  readonly #secret: Uint8Array;
  readonly #requests: Requests<MessageAnswer>;
  /** What was sent, by number: it is sent again after a reconnect. */
  readonly #unanswered = new Map<number, Uint8Array>();
  /** Requests that no one waits for any more, and that keep their places in flight. */
  readonly #givenUp = new Set<number>();
  readonly #keeper: Reconnecting<string>;
  #connection: Connection<MessageRequest, MessageAnswer> | undefined;
  #phase: "connecting" | "handshake" | "open" = "connecting";
  /** The last index that was tried. */
  #index = 0;
  /** How far the next one is: more after each index that had expired. */
  #step = 1;
  #stopLimit = (): void => {};

  /**
   * Begins to connect at once.
   *
   * @param options - how to connect, and who you are
   * @throws TypeError for an unknown option; RangeError for an invalid limit, or a secret that has not 8 bytes
   */
  constructor(options: SkynetClientOptions) {
    checkOptions("SkynetClient", options, OPTIONS);
    checkLimits(options, "connectTimeout", "handshakeTimeout");
    checkKey("secret", options.secret);
    const { timeout, maxPending, maxInFlight = 96, clock = systemClock, signal } = options;
    const { reconnect = true, connectTimeout = 10_000, random, trace } = options;
    this.#options = options;
    this.#clock = clock;
    this.#secret = options.secret.slice();
    this.#requests = new Requests({
      ...{ maxId: 0xffff_ffff, timeout, maxPending, maxInFlight },
      ...(options.clock && { clock }),
      ...{ trace, name: "skynet", connection: () => this.#connection },
    });
    // What is asked before the server has accepted the handshake waits.
    this.#requests.pause();
    const { when, ...policy } = reconnectPolicy(reconnect);
    this.#keeper = reconnecting<string>((attempt) => this.#connect(attempt), {
      ...{ ...policy, connectTimeout, signal, clock, random, trace, name: "skynet" },
      when: (info) => !isFinal(info) && when?.(info) !== false,
      isProven: () => this.#phase === "open",
      retry: (retry) => this.#tell(() => options.retry?.(this, retry)),
      close: (error) => {
        this.#stopLimit();
        this.#requests.end(error);
        this.#unanswered.clear();
        this.#givenUp.clear();
        this.#tell(() => options.close?.(this, error));
      },
    });
  }

  /** Where the client is. */
  get state(): SkynetClientState {
    const { state } = this.#keeper;
    return state === "closed" || state === "waiting" ? state : this.#phase;
  }

  /** Number of requests that wait to be sent or answered. */
  get pending(): number {
    return this.#requests.pending;
  }

  /**
   * Sends a request, as soon as the server has accepted the handshake and there is room for it, and returns its answer.
   *
   * @param content - 0 to 65 531 bytes; do not write into them before the answer is here
   * @param options - `timeout`, `signal`
   * @returns the content of the answer; rejected with a ProtocolError: `refused` if the server's handler failed, `timeout`,
   *   `closed` if the client ended first, `overflow` if too many wait, `unencodable`; or with the reason of `signal`
   */
  async request(content: Uint8Array, options: SkynetRequestOptions = {}): Promise<Uint8Array> {
    checkOptions("request", options, ["timeout", "signal"]);
    const { timeout, signal } = options;
    let sent: number | undefined;
    const asked = this.#requests.ask(
      (session) => {
        sent = session;
        // First, because over some transports the answer comes before `send` returns.
        this.#unanswered.set(session, content);
        try {
          this.#connection?.send({ content, session });
        } catch (error) {
          this.#unanswered.delete(session);
          throw error;
        }
      },
      { timeout, signal, read: contentOf },
    );
    const over = (): void => {
      if (sent !== undefined && this.#unanswered.delete(sent)) this.#givenUp.add(sent);
    };
    asked.then(over, over);
    return asked;
  }

  /** Ends the session: what was sent goes out, then the connection closes. Unanswered requests fail. */
  close(): void {
    this.#keeper.close();
  }

  #connect(attempt: Attempt): Connection<string> | PromiseLike<Connection<string>> {
    this.#phase = "connecting";
    const { connect, error, trace } = this.#options;
    return connect(handshakePackages(), {
      signal: attempt.signal,
      ...(trace && { trace }),
      open: (connection) => this.#opened(connection),
      message: (connection, text) => this.#greeted(connection, text),
      // Without one, what goes wrong is reported as for any connection.
      ...(error && { error: (_: unknown, thrown: unknown) => error(this, thrown) }),
    });
  }

  #opened(connection: Connection<string>): void {
    this.#phase = "handshake";
    this.#index += this.#step;
    const signed = `${this.#options.username}:${this.#index}`;
    connection.send(`${signed}:${base64Encode(hmacHash(this.#secret, signed))}`);
    const { handshakeTimeout = 10_000 } = this.#options;
    if (handshakeTimeout > 0 && handshakeTimeout !== Infinity) {
      this.#stopLimit = this.#clock.after(handshakeTimeout, () => {
        const text = `no answer to the handshake within ${handshakeTimeout} ms`;
        connection.abort(new ProtocolError("timeout", text));
      });
    }
    connection.onClose(() => this.#lost());
  }

  #greeted(connection: Connection<string>, text: string): void {
    this.#stopLimit();
    const status = statusOf(text);
    if (status === undefined) throw new ProtocolError("malformed", "no status after the handshake");
    if (status === 200) {
      this.#welcomed(connection);
      return;
    }
    // Another client has used this login: skip ahead.
    if (status === 403) this.#step *= 2;
    connection.abort(new StatusError(status));
  }

  #welcomed(connection: Connection<string>): void {
    const { open } = this.#options;
    this.#phase = "open";
    this.#step = 1;
    this.#connection = connection.use<MessageRequest, MessageAnswer>(clientPackages(), {
      ...lastingHandlers(connection),
      message: (_, answer) => this.#answered(answer),
    });
    for (const [session, content] of this.#unanswered) this.#connection.send({ content, session });
    this.#requests.resume();
    this.#tell(() => open?.(this));
  }

  #answered(answer: MessageAnswer): void {
    const { session } = answer;
    this.#unanswered.delete(session);
    // An answer frees the places of earlier requests that were given up.
    for (const earlier of this.#givenUp) if (earlier <= session) this.#givenUp.delete(earlier);
    this.#requests.answer(session, answer);
  }

  #lost(): void {
    this.#stopLimit();
    this.#connection = undefined;
    this.#requests.pause();
    // They are not sent again, so no answer will free their places.
    for (const session of this.#givenUp) this.#requests.fail(session, closedError("given up"));
    this.#givenUp.clear();
  }

  /** Calls a handler that no connection calls. */
  #tell(call: () => unknown): void {
    const { error } = this.#options;
    guard(call, (thrown) => {
      if (error === undefined) reportBug(thrown, handlerErrorsOf(this.#connection));
      else guard(() => error(this, thrown));
    });
  }
}

/** The server will not accept this login at a later time either. */
function isFinal({ error }: CloseInfo): boolean {
  return error instanceof StatusError && error.status !== 403;
}

function contentOf({ content, ok }: MessageAnswer): Uint8Array {
  if (ok) return content;
  throw new ProtocolError("refused", "the server's handler failed");
}
