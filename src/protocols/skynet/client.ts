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

/** State of a client. */
export type SkynetClientState = "connecting" | "handshake" | "open" | "waiting" | "closed";

/** Options for a client. Times are in milliseconds. */
export interface SkynetClientOptions {
  /**
   * Opens a connection to the message server, over any transport. Called at once, and again after
   * each loss.
   */
  readonly connect: Connect;
  /** Name of the login, as returned by `username`. */
  readonly username: string;
  /** Secret of the login: 8 bytes. */
  readonly secret: Uint8Array;
  /**
   * Maximum requests that are sent and unanswered; further ones wait. A server remembers at least
   * 128, and all of them are sent again after a reconnect.
   * @defaultValue 96
   */
  readonly maxInFlight?: number | undefined;
  /**
   * Maximum requests that wait to be sent or answered; further ones are rejected with `overflow`.
   * @defaultValue 1024
   */
  readonly maxPending?: number | undefined;
  /**
   * Time limit for a request, including reconnects; 0 or Infinity for no limit.
   * @defaultValue 30 000
   */
  readonly timeout?: number | undefined;
  /**
   * Time limit for opening a connection; 0 or Infinity for no limit.
   * @defaultValue 10 000
   */
  readonly connectTimeout?: number | undefined;
  /**
   * Time limit for the server to accept the handshake; 0 or Infinity for no limit.
   * @defaultValue 10 000
   */
  readonly handshakeTimeout?: number | undefined;
  /**
   * When to reconnect; `false` for never. If the server rejects the login or the secret, the client
   * always ends.
   * @defaultValue `true`: gRPC's delays, without a limit on attempts
   */
  readonly reconnect?: boolean | ReconnectOptions | undefined;
  /** Closes the client. */
  readonly signal?: CancelSignal | undefined;
  /** Called when the server has accepted a handshake, the first one or a later one. */
  readonly open?: ((client: SkynetClient) => unknown) | undefined;
  /** Called when the connection was lost or could not be opened, and another attempt follows. */
  readonly retry?: ((client: SkynetClient, retry: Retry) => unknown) | undefined;
  /**
   * Called when the client ends: with an error if it gave up (a {@link StatusError} if it has to
   * log in again), without one if `close` was called.
   */
  readonly close?: ((client: SkynetClient, error?: unknown) => unknown) | undefined;
  /**
   * Called with errors, like `error` of a connection: the server broke the protocol, the transport
   * failed, or a handler threw.
   */
  readonly error?: ((client: SkynetClient, error: unknown) => unknown) | undefined;
  /**
   * Clock for all times.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
  /**
   * Called with every event of the client and its connections: requests, reconnects, bytes and
   * messages. It is passed to `connect` with the handlers.
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
  /** Overrides the client's option of the same name. */
  readonly timeout?: number | undefined;
  /** Aborts the request: its promise is rejected with the signal's reason. */
  readonly signal?: CancelSignal | undefined;
}

const OPTIONS = [
  ...["connect", "username", "secret", "maxInFlight", "maxPending", "timeout"],
  ...["connectTimeout", "handshakeTimeout", "reconnect", "signal"],
  ...["open", "retry", "close", "error", "clock", "random", "trace"],
];

/**
 * A client of skynet's message server (`snax.msgserver`). It proves that it has the secret of a
 * login, sends requests, and reconnects when the connection is lost.
 *
 * After a reconnect it sends all unanswered requests again; the server answers those that it has
 * executed without executing them again. So losing a connection does not reject requests. Request
 * numbers increase for the whole life of the client: a new client needs a new login.
 *
 * The server sends no pushes. To receive events, keep a request waiting at the server, with
 * `timeout: 0`.
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
  /** Sent requests by number; they are sent again after a reconnect. */
  readonly #unanswered = new Map<number, Uint8Array>();
  /** Abandoned requests, which keep their places in flight. */
  readonly #givenUp = new Set<number>();
  readonly #keeper: Reconnecting<string>;
  #connection: Connection<MessageRequest, MessageAnswer> | undefined;
  #phase: "connecting" | "handshake" | "open" = "connecting";
  /** The last index tried. */
  #index = 0;
  /** Distance to the next index; grows after each index that had expired. */
  #step = 1;
  #stopLimit = (): void => {};

  /**
   * Starts to connect at once.
   *
   * @param options - how to connect, the login, and the handlers
   * @throws TypeError for an unknown option; RangeError for an invalid limit, or a secret that is
   *   not 8 bytes long
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
    // Requests made before the server has accepted the handshake wait.
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

  /** State of the client. */
  get state(): SkynetClientState {
    const { state } = this.#keeper;
    return state === "closed" || state === "waiting" ? state : this.#phase;
  }

  /** Number of requests that wait to be sent or answered. */
  get pending(): number {
    return this.#requests.pending;
  }

  /**
   * Sends a request as soon as the server has accepted the handshake and there is room for it, and
   * returns its answer.
   *
   * @param content - 0 to 65 531 bytes; do not change them before the answer arrives
   * @param options - `timeout`, `signal`
   * @returns the content of the answer; rejected with a ProtocolError: `refused` if the server's
   *   handler failed, `timeout`, `closed` if the client ended first, `overflow` if too many wait,
   *   `unencodable`; or with the reason of `signal`
   */
  async request(content: Uint8Array, options: SkynetRequestOptions = {}): Promise<Uint8Array> {
    checkOptions("request", options, ["timeout", "signal"]);
    const { timeout, signal } = options;
    let sent: number | undefined;
    const asked = this.#requests.ask(
      (session) => {
        sent = session;
        // First, because over some transports the answer arrives before `send` returns.
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

  /**
   * Ends the session: sends what is queued, then closes the connection. Unanswered requests are
   * rejected.
   */
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
      // Without one, errors are reported as for any connection.
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
    if (status === undefined) throw new ProtocolError("malformed", "the handshake got no status");
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
    // An answer frees the places of earlier abandoned requests.
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

  /** Calls a handler outside of a connection. */
  #tell(call: () => unknown): void {
    const { error } = this.#options;
    guard(call, (thrown) => {
      if (error === undefined) reportBug(thrown, handlerErrorsOf(this.#connection));
      else guard(() => error(this, thrown));
    });
  }
}

/** True if the server will never accept this login. */
function isFinal({ error }: CloseInfo): boolean {
  return error instanceof StatusError && error.status !== 403;
}

function contentOf({ content, ok }: MessageAnswer): Uint8Array {
  if (ok) return content;
  throw new ProtocolError("refused", "the server's handler failed");
}
