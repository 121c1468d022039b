import {
  type CancelSignal,
  type Clock,
  type CloseInfo,
  type Connection,
  checkLimits,
  checkOptions,
  type Handlers,
  isThenable,
  type Trace,
} from "../../core/index.ts";
import { Calls, Requests } from "../../session/index.ts";
import type { RpcReceived, RpcSent } from "./rpc.ts";
import { RpcError } from "./rpc-error.ts";
import { placeOf, readBody } from "./rpc-format.ts";
import type { Sproto } from "./sproto.ts";
import type { AnyTypes, ProtocolName, SprotoTypes } from "./types.ts";

/** The context of a connection of unknown type. */
// biome-ignore lint/suspicious/noExplicitAny: a peer with a known context goes where any is taken
export type AnyContext = any;

/** A received request, for the handler that answers it. */
export interface RpcCall<R extends SprotoTypes = AnyTypes, Context = AnyContext> {
  /** The caller: for calls and notifications in the other direction, and its `context`. */
  readonly peer: RpcPeer<R, Context>;
  /** Name of the protocol. */
  readonly name: string;
  /** Undefined if no answer is expected. */
  readonly session: number | bigint | undefined;
  /** The caller's `ud`, if the package type has that field. */
  readonly ud: unknown;
  /** The `ud` of the answer: set it before answering. */
  answerUd?: unknown;
}

/** A handler for each protocol: takes the request, returns the response or a promise of it. */
export type RpcHandlers<L extends SprotoTypes, R extends SprotoTypes, Context> = {
  readonly [N in ProtocolName<L>]?:
    | ((
        args: L["protocols"][N]["request"]["out"],
        call: RpcCall<R, Context>,
      ) => RpcResult<L["protocols"][N]["response"]["in"]>)
    | undefined;
};

/** A response or a promise of it; may be undefined if there is none or its fields are optional. */
export type RpcResult<T> = undefined extends T
  ? // biome-ignore lint/suspicious/noConfusingVoidType: handlers need no return statement
    T | void | PromiseLike<T | void>
  : T | PromiseLike<T>;

/** Options for a peer: handlers of its calls, and limits. */
export interface PeerOptions<
  L extends SprotoTypes = AnyTypes,
  R extends SprotoTypes = AnyTypes,
  Context = AnyContext,
> {
  /** Creates the state of one connection, kept in `peer.context`. */
  readonly context?: (() => Context) | undefined;

  /** Handlers for calls to this side, by protocol name. */
  readonly on?: RpcHandlers<L, R, Context> | undefined;

  /**
   * Called when a handler throws, rejects, or returns a response that does not fit. Its result is
   * sent as the response instead; undefined sends none. Without it the connection closes, as for
   * any handler that throws.
   */
  readonly failed?: ((error: unknown, call: RpcCall<R, Context>) => unknown) | undefined;

  /**
   * Called with an unexpected message: a request without a handler or with an unknown tag (its
   * sender times out, because this protocol has no errors), or an answer to a session that does not
   * wait or no longer waits.
   * @defaultValue they are dropped
   */
  readonly unmatched?: ((error: RpcError, peer: RpcPeer<R, Context>) => unknown) | undefined;

  /**
   * Time limit for an answer, in milliseconds; 0 or Infinity for no limit.
   * @defaultValue 30 000, or 0 in a runtime without timers
   */
  readonly timeout?: number | undefined;

  /**
   * Maximum requests that wait for answers.
   * @defaultValue 1024
   */
  readonly maxPending?: number | undefined;

  /**
   * Clock for timeouts.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;

  /**
   * Called with the events of each request: `asked`, `answered`, `unanswered`. Pass it to the
   * connection as well, to trace its bytes and messages.
   * @defaultValue none
   */
  readonly trace?: Trace | undefined;

  /** Called when the connection is open. */
  readonly open?: ((peer: RpcPeer<R, Context>) => unknown) | undefined;
  /** Called when something went wrong and the connection closes: see `Handlers`. */
  readonly error?: ((peer: RpcPeer<R, Context>, error: unknown) => unknown) | undefined;
  /** Called when the connection has ended and all waiting requests were rejected. */
  readonly close?: ((peer: RpcPeer<R, Context>, info: CloseInfo) => unknown) | undefined;
}

/** Options for one request. */
export interface RequestOptions {
  /** Overrides the peer's option of the same name. */
  readonly timeout?: number | undefined;
  /** Aborts the request: its promise is rejected with the signal's reason. */
  readonly signal?: CancelSignal | undefined;
  /** Sent as `ud` of the request, if the package type has that field. */
  readonly ud?: unknown;
}

/** The arguments of a call: a request without required fields is optional. */
export type RequestArguments<In, Options> = undefined extends In
  ? [args?: In, options?: Options]
  : [args: In, options?: Options];

const OPTIONS = [
  ...["context", "on", "failed", "unmatched", "timeout", "maxPending", "clock", "trace"],
  ...["open", "error", "close"],
];

/**
 * The other side of a connection, for calls to it: the `connection.context` of a connection with
 * the handlers of `sprotoRpc(...).peers()`.
 */
export class RpcPeer<R extends SprotoTypes = AnyTypes, Context = AnyContext> {
  /** The state that the option `context` created for this connection. */
  readonly context: Context;

  readonly #remote: Sproto;
  readonly #options: PeerOptions<AnyTypes, R, Context>;
  readonly #check: (value: RpcSent) => unknown;
  readonly #requests: Requests<Uint8Array>;
  #connection: Connection<RpcSent, RpcReceived, RpcPeer<R, Context>> | undefined;
  #calls: Calls<() => unknown> | undefined;

  /** @internal */
  constructor(
    remote: Sproto,
    options: PeerOptions<AnyTypes, R, Context>,
    check: (value: RpcSent) => unknown,
  ) {
    this.context = options.context?.() as Context;
    this.#remote = remote;
    this.#options = options;
    this.#check = check;
    const { timeout, maxPending, clock, trace } = options;
    this.#requests = new Requests({
      ...{ timeout, maxPending, clock, trace, name: "sproto" },
      connection: () => this.#connection,
      // In the queue of calls: the handler may send requests, and answers must not wait for it.
      unmatched: (session) => {
        const place = { session: session as number | bigint };
        this.#calls?.add(() =>
          this.#unmatched(new RpcError("malformed", "unknown session", place)),
        );
      },
    });
    // Requests made before the connection is open wait.
    this.#requests.pause();
  }

  /** The connection; undefined until it is open. */
  get connection(): Connection<RpcSent, RpcReceived, RpcPeer<R, Context>> | undefined {
    return this.#connection;
  }

  /** Number of requests that wait for their answers. */
  get pending(): number {
    return this.#requests.pending;
  }

  /**
   * Sends a request and returns its response. For a protocol without a response it resolves to
   * undefined once the other side has answered.
   *
   * @param name - name of a protocol of the remote schema
   * @param rest - the request, and options
   * @returns a promise, rejected with an {@link RpcError} that names protocol and session:
   *   `timeout`, `closed`, `overflow` if too many requests wait, `malformed` for an answer that
   *   cannot be read, `unencodable`; with a TypeError for a name that is not in the schema
   */
  request<N extends ProtocolName<R>>(
    name: N,
    ...rest: RequestArguments<R["protocols"][N]["request"]["in"], RequestOptions>
  ): Promise<R["protocols"][N]["response"]["out"]> {
    const [args, options = {}] = rest;
    const { timeout, signal, ud } = options;
    const protocol = this.#remote.protocol(name);
    if (protocol === undefined) return Promise.reject(new TypeError(`${name} not found`));
    try {
      checkOptions("request", options, ["timeout", "signal", "ud"]);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#requests.ask(
      (session) => this.#connection?.send({ kind: "request", name, args, session, ud }),
      {
        timeout,
        signal,
        read: (raw, session) => {
          return readBody(
            this.#remote,
            protocol.response,
            { raw, at: 0 },
            placeOf(protocol, session),
          );
        },
        error: ({ code, text, id, sent, cause }) =>
          new RpcError(code, text, placeOf(protocol, id), cause, sent),
      },
    );
  }

  /**
   * Sends a call without an answer. Before the connection is open it waits, in order with requests.
   *
   * @param name - name of a protocol of the remote schema
   * @param rest - the request, and options
   * @returns like `send` of the connection, false if you should wait for `drain`; also false if
   *   nothing is sent because the connection is closing or too much waits for it to open, so a
   *   broadcast does not fail because one peer is closing
   * @throws ProtocolError `unencodable`, TypeError for a name that is not in the schema
   */
  notify<N extends ProtocolName<R>>(
    name: N,
    ...rest: RequestArguments<R["protocols"][N]["request"]["in"], Pick<RequestOptions, "ud">>
  ): boolean {
    const [args, options = {}] = rest;
    checkOptions("notify", options, ["ud"]);
    if (this.#remote.protocol(name) === undefined) throw new TypeError(`${name} not found`);
    const call: RpcSent = { kind: "request", name, args, ud: options.ud };
    if (this.#connection !== undefined) return this.#connection.send(call);
    // An invalid value is refused now, as it would be once the connection is open.
    this.#check(call);
    return this.#requests.notify(() => this.#connection?.send(call));
  }

  /** @internal */
  opened(connection: Connection<RpcSent, RpcReceived, RpcPeer<R, Context>>): unknown {
    this.#connection = connection;
    connection.onInputEnd((error) => this.#requests.end(error));
    this.#calls = new Calls({ connection, run: (call) => call() });
    this.#requests.resume();
    return this.#options.open?.(this);
  }

  /** @internal */
  received(message: RpcReceived): unknown {
    if (message.kind === "response") {
      this.#requests.answer(message.session, message.body);
      return undefined;
    }
    if (message.kind === "unknown") {
      const place = { tag: message.tag, session: message.session };
      this.#calls?.add(() => this.#unmatched(new RpcError("malformed", "no such protocol", place)));
      return undefined;
    }
    this.#calls?.add(() => this.#run(message));
    return undefined;
  }

  #run({ name, args, session, ud }: Extract<RpcReceived, { kind: "request" }>): unknown {
    const on = this.#options.on as Readonly<Record<string, Handler>> | undefined;
    // Own properties only: a protocol may be called constructor.
    if (on === undefined || !Object.hasOwn(on, name) || on[name] === undefined) {
      const place = { protocol: name, session };
      return this.#unmatched(new RpcError("malformed", "no handler", place));
    }
    const call: RpcCall<R, Context> = { peer: this, name, session, ud };
    try {
      const result = on[name](args, call);
      if (!isThenable(result)) return this.#answer(call, result);
      return result
        .then((value) => this.#answer(call, value))
        .then(undefined, (error: unknown) => {
          return this.#failed(error, call);
        });
    } catch (error) {
      return this.#failed(error, call);
    }
  }

  /** @internal */
  closed(info: CloseInfo): unknown {
    this.#calls?.clear();
    this.#requests.end(info.error);
    return this.#options.close?.(this, info);
  }

  #answer({ name, session, answerUd }: RpcCall<R, Context>, args: unknown): void {
    if (session === undefined) return;
    this.#connection?.send({ kind: "response", name, session, args, ud: answerUd });
  }

  /** Handles the failure of a handler; returns the replacement for its response, if any. */
  #failed(error: unknown, call: RpcCall<R, Context>): unknown {
    const { failed } = this.#options;
    if (failed === undefined) throw error;
    const result = failed(error, call);
    if (isThenable(result)) return result.then((value) => this.#instead(call, value));
    return this.#instead(call, result);
  }

  #instead(call: RpcCall<R, Context>, value: unknown): void {
    if (value !== undefined) this.#answer(call, value);
  }

  #unmatched(error: RpcError): unknown {
    return this.#options.unmatched?.(error, this);
  }
}

type Handler = (args: unknown, call: unknown) => unknown;

/**
 * Returns handlers that create a peer for each connection.
 *
 * @param check - throws if a value cannot be written
 * @internal
 */
export function peerHandlers<L extends SprotoTypes, R extends SprotoTypes, Context>(
  remote: Sproto<R>,
  options: PeerOptions<L, R, Context>,
  check: (value: RpcSent) => unknown,
): Handlers<RpcSent, RpcReceived, RpcPeer<R, Context>> {
  checkOptions("peers", options, OPTIONS);
  const { error } = options;
  checkLimits(options, "timeout", "maxPending");
  const untyped = options as unknown as PeerOptions<AnyTypes, R, Context>;
  return Object.freeze<Handlers<RpcSent, RpcReceived, RpcPeer<R, Context>>>({
    context: () => new RpcPeer<R, Context>(remote as unknown as Sproto, untyped, check),
    open: (connection) => connection.context.opened(connection),
    message: (connection, message) => connection.context.received(message),
    error: error && ((connection, thrown) => error(connection.context, thrown)),
    close: (connection, info) => connection.context.closed(info),
  });
}
