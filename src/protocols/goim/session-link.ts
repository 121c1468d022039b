import {
  type CancelSignal,
  type Clock,
  type CloseInfo,
  type Connection,
  checkLimits,
  guard,
  type Handlers,
  handlerErrorsOf,
  isThenable,
  ProtocolError,
  reportBug,
  systemClock,
  type Trace,
} from "../../core/index.ts";
import {
  type Attempt,
  Calls,
  heartbeat,
  type Reconnecting,
  type ReconnectOptions,
  type Retry,
  reconnecting,
  reconnectPolicy,
} from "../../session/index.ts";

/** Handlers that a client passes to `connect`. */
export type LinkHandlers<In, Out> = Handlers<In, Out> & {
  /**
   * Aborts the attempt when it takes too long or the client is closed. Pass it to `connect` of a
   * transport as its option of the same name. If `connect` returns a connection at once, it is not
   * needed: the client then cuts the connection itself.
   */
  readonly signal: CancelSignal;
  /** The client's option, for the connection. */
  readonly trace?: Trace | undefined;
};

/** Options that clients have in common. Times are in milliseconds. */
export interface LinkOptions {
  /**
   * Time between heartbeats. If no byte arrives for that long after one, the connection is closed.
   * Bilibili and WebSocket clients send one every 30 s; a server waits for minutes.
   * @defaultValue 30 000
   */
  readonly heartbeat?: number | undefined;
  /**
   * Time limit for opening a connection; 0 for no limit.
   * @defaultValue 10 000
   */
  readonly connectTimeout?: number | undefined;
  /**
   * Time limit for the server to accept the token; 0 for no limit. The server itself gives up after
   * 5 s.
   * @defaultValue 4500
   */
  readonly authTimeout?: number | undefined;
  /**
   * When to reconnect; `false` for never. Delays start over once the server has accepted the token.
   * @defaultValue `true`: gRPC's delays, without a limit on attempts
   */
  readonly reconnect?: boolean | ReconnectOptions | undefined;
  /** Closes the client. */
  readonly signal?: CancelSignal | undefined;
  /**
   * Clock for all times.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
  /**
   * Called with every event of the client and its connections: requests, heartbeats, reconnects,
   * bytes and messages. It is passed to `connect` with the handlers.
   * @defaultValue none
   */
  readonly trace?: Trace | undefined;
  /**
   * Returns a number from 0 to 1, for the delays.
   * @defaultValue `Math.random`
   */
  readonly random?: (() => number) | undefined;
}

/** Names of the options that clients have in common. */
export const LINK_OPTIONS: readonly string[] = [
  ...["connect", "heartbeat", "connectTimeout", "authTimeout", "reconnect", "signal"],
  ...["clock", "random", "trace", "open", "retry", "close", "error"],
];

/** State of a client. */
export type LinkState = "connecting" | "authenticating" | "open" | "waiting" | "closed";

/** The parts of a client that its link calls. */
export interface LinkOwner<In, Out, Token> {
  connect(handlers: LinkHandlers<In, Out>): Connection<In, Out> | PromiseLike<Connection<In, Out>>;
  readonly token: Token | (() => Token | PromiseLike<Token>);
  /** Sends the token. Call the link's `welcome` when the server has accepted it. */
  authenticate(token: Token): void;
  beat(): void;
  message(value: Out): void;
  /** Called when the server sends no more on this connection. */
  interrupted(cause: unknown): void;
  open?(): unknown;
  retry?(retry: Retry): unknown;
  close(error?: unknown): unknown;
  readonly error?: ((error: unknown) => unknown) | undefined;
}

/**
 * The session of a client that authenticates: one connection after the other, the token, the
 * server's welcome, heartbeats.
 *
 * ```text
 *                 opened            welcome()              anything fails
 *   connecting ----------> authenticating ----------> open -----------------> waiting
 *       ^                      | refused, too late                               |
 *       |                      +-------------------------------------------------+
 *       +---------------------------- after a growing delay ---------------------+
 *   close() from anywhere -> closed
 * ```
 */
export class SessionLink<In, Out, Token> {
  readonly #owner: LinkOwner<In, Out, Token>;
  readonly #options: LinkOptions;
  readonly #clock: Clock;
  readonly #policy: ReconnectOptions;
  #keeper: Reconnecting<In, Out> | undefined;
  #phase: "connecting" | "authenticating" | "open" = "connecting";
  #stopLimit: () => void = () => {};
  /** Reason for which this side closed the connection. */
  #fault: unknown;
  /** The end of the server's side. */
  #end: CloseInfo | undefined;
  connection: Connection<In, Out> | undefined;
  /** Running handlers; replies do not wait for them. */
  calls: Calls<() => unknown> | undefined;

  constructor(owner: LinkOwner<In, Out, Token>, options: LinkOptions) {
    const { heartbeat: interval = 30_000, reconnect = true, clock = systemClock } = options;
    checkLimits(options, "connectTimeout", "authTimeout");
    // Without heartbeats a dead server goes unnoticed, and the server soon drops the client.
    if (!(typeof interval === "number" && interval > 0)) {
      throw new RangeError(`heartbeat must be more than 0 ms, not ${String(interval)}`);
    }
    this.#owner = owner;
    this.#options = options;
    this.#clock = clock;
    this.#policy = reconnectPolicy(reconnect);
  }

  /** Starts to connect. */
  start(): void {
    const owner = this.#owner;
    const { connectTimeout = 10_000, signal, random, trace } = this.#options;
    this.#keeper = reconnecting<In, Out>((attempt) => this.#connect(attempt), {
      ...this.#policy,
      ...{ connectTimeout, signal, clock: this.#clock, random, trace, name: "goim" },
      isProven: () => this.#phase === "open",
      explain: (info) => this.#explain(info),
      retry: (retry) =>
        void guard(
          () => owner.retry?.(retry),
          (thrown) => this.#failed(thrown),
        ),
      close: (error) => owner.close(error),
    });
  }

  get state(): LinkState {
    const { state } = this.#keeper ?? {};
    return state === "closed" || state === "waiting" ? state : this.#phase;
  }

  /** Reports that the server has accepted the token. */
  welcome(): void {
    const connection = this.connection!;
    this.#stopLimit();
    this.#phase = "open";
    const { heartbeat: interval = 30_000 } = this.#options;
    const send = (): void => this.#owner.beat();
    heartbeat({ connection, interval, first: 0, send, clock: this.#clock });
    this.calls?.add(() => this.#owner.open?.());
  }

  /** Gives up this connection. */
  drop(error: unknown): void {
    this.#fault = error;
    this.connection?.abort(error);
  }

  close(): void {
    this.#keeper?.close();
  }

  #connect(attempt: Attempt): Connection<In, Out> | PromiseLike<Connection<In, Out>> {
    this.#phase = "connecting";
    this.connection = undefined;
    const { error } = this.#owner;
    const { trace } = this.#options;
    const opening = this.#owner.connect({
      signal: attempt.signal,
      ...(trace && { trace }),
      open: (connection) => this.#opened(attempt, connection),
      message: (connection, value) => {
        if (connection === this.connection) this.#owner.message(value);
      },
      // Without one, errors of handlers are reported as uncaught.
      ...(error && { error: (_: unknown, thrown: unknown) => error(thrown) }),
    });
    const checked = (connection: Connection<In, Out>): Connection<In, Out> => {
      const isStrange = connection.state === "open" && connection !== this.connection;
      if (!isStrange || attempt.signal.aborted) return connection;
      connection.abort();
      throw new TypeError("connect did not pass the handlers to its connection");
    };
    return isThenable(opening) ? opening.then(checked) : checked(opening);
  }

  #opened(attempt: Attempt, connection: Connection<In, Out>): void {
    if (attempt.signal.aborted) {
      connection.abort();
      return;
    }
    this.connection = connection;
    this.#phase = "authenticating";
    this.#fault = undefined;
    this.#end = undefined;
    this.calls = new Calls({ connection, run: (work) => work() });
    connection.onInputEnd((error) => this.#ended(connection, error));
    const { authTimeout = 4500 } = this.#options;
    if (authTimeout > 0) {
      this.#stopLimit = this.#clock.after(authTimeout, () => {
        this.drop(new ProtocolError("timeout", `no reply to the token within ${authTimeout} ms`));
      });
    }
    // Without a token there is no session: the attempt has failed, as if it had not connected.
    const failed = (reason: unknown): void => {
      if (this.connection === connection) this.drop(reason);
    };
    const use = (token: Token): void => {
      if (this.connection === connection && connection.state === "open") {
        this.#owner.authenticate(token);
      }
    };
    try {
      const { token } = this.#owner;
      const made = typeof token === "function" ? (token as () => Token)() : (token as Token);
      if (isThenable(made)) made.then(use).then(undefined, failed);
      else use(made);
    } catch (reason) {
      failed(reason);
    }
  }

  /** Handles an error of a handler that was not called by a connection. */
  #failed(thrown: unknown): void {
    const { error } = this.#owner;
    if (error === undefined) reportBug(thrown, handlerErrorsOf(this.connection));
    else guard(() => error(thrown));
  }

  /** The server sends no more: the connection is useless, whatever our side still does. */
  #ended(connection: Connection<In, Out>, cause: unknown): void {
    if (this.connection !== connection) return;
    this.#stopLimit();
    this.#end = this.#explain({ by: "peer", error: cause });
    this.#owner.interrupted(this.#end.error);
    if (this.#keeper?.state !== "closed") connection.close();
  }

  /**
   * Turns any loss before the welcome into `refused`: a server that refuses a client closes without
   * a reason or reply.
   */
  #explain(info: CloseInfo): CloseInfo {
    const { error } = info;
    if (info.by === "local") return this.#end ?? info;
    const isLoss = !(error instanceof ProtocolError) || error.code === "closed";
    if (this.#phase === "authenticating" && isLoss && error !== (this.#fault ?? info)) {
      const text = "closed instead of a reply to the token";
      const options = error === undefined ? undefined : { cause: error };
      return {
        ...info,
        by: "error",
        error: new ProtocolError("refused", text, undefined, options),
      };
    }
    if (error !== undefined) return info;
    return { ...info, by: "error", error: new ProtocolError("closed", "closed by the server") };
  }
}
