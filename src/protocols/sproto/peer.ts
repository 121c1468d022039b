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

/** The state of a connection of which nothing is known. */
// biome-ignore lint/suspicious/noExplicitAny: a peer with a known context goes where any is taken
export type AnyContext = any;

/** One request that came, for the handler that answers it. */
export interface RpcCall<R extends SprotoTypes = AnyTypes, Context = AnyContext> {
  /** Who asks: for calls and pushes in the other direction, and for its `context`. */
  readonly peer: RpcPeer<R, Context>;
  /** Name of the protocol. */
  readonly name: string;
  /** Undefined where no answer is wanted. */
  readonly session: number | bigint | undefined;
  /** What came beside the request, where the package type has a field `ud`. */
  readonly ud: unknown;
  /** What goes beside the answer: set it before answering. */
  answerUd?: unknown;
}

/** A function for each protocol: takes the request, gives the response or a promise of it. */
export type RpcHandlers<L extends SprotoTypes, R extends SprotoTypes, Context> = {
  readonly [N in ProtocolName<L>]?:
    | ((
        args: L["protocols"][N]["request"]["out"],
        call: RpcCall<R, Context>,
      ) => RpcResult<L["protocols"][N]["response"]["in"]>)
    | undefined;
};

/** A response or a promise of it; nothing, where there is none or it has no fields to be told. */
export type RpcResult<T> = undefined extends T
  ? // biome-ignore lint/suspicious/noConfusingVoidType: handlers without a return statement are welcome
    T | void | PromiseLike<T | void>
  : T | PromiseLike<T>;

/** How a peer answers and asks. */
export interface PeerOptions<
  L extends SprotoTypes = AnyTypes,
  R extends SprotoTypes = AnyTypes,
  Context = AnyContext,
> {
  /** Makes the state of one connection, kept in `peer.context`. */
  readonly context?: (() => Context) | undefined;

  /** What this side can be asked. */
  readonly on?: RpcHandlers<L, R, Context> | undefined;

  /**
   * A handler failed: threw, was rejected, or gave a response that does not fit. What this gives is the response
   * instead; undefined sends none. Without it the connection ends, as with every handler that throws.
   */
  readonly failed?: ((error: unknown, call: RpcCall<R, Context>) => unknown) | undefined;

  /**
   * Called with a message that no one waits for: a request without a handler or with an unknown tag (whose sender waits
   * in vain, because this protocol has no errors), or an answer to a session that does not wait, or no longer.
   * @defaultValue they are dropped
   */
  readonly unmatched?: ((error: RpcError, peer: RpcPeer<R, Context>) => unknown) | undefined;

  /**
   * How long a request waits for its answer, in milliseconds. 0 or Infinity: for ever.
   * @defaultValue 30 000, or 0 in a runtime without timers
   */
  readonly timeout?: number | undefined;

  /**
   * Most requests that may wait for answers at once.
   * @defaultValue 1024
   */
  readonly maxPending?: number | undefined;

  /**
   * Where the time comes from.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;

  /**
   * Called with what becomes of each request: `asked`, `answered`, `unanswered`. Give it to the connection as well, to see
   * its bytes and messages.
   * @defaultValue none
   */
  readonly trace?: Trace | undefined;

  /** The connection is open. */
  readonly open?: ((peer: RpcPeer<R, Context>) => unknown) | undefined;
  /** Something went wrong, and the connection closes: see `Handlers`. */
  readonly error?: ((peer: RpcPeer<R, Context>, error: unknown) => unknown) | undefined;
  /** It is over, and everything that waited has been rejected. */
  readonly close?: ((peer: RpcPeer<R, Context>, info: CloseInfo) => unknown) | undefined;
}

/** What one request can be given. */
export interface RequestOptions {
  /** As the option of that name of the peer. */
  readonly timeout?: number | undefined;
  /** Gives the request up: its promise is rejected with the signal's reason. */
  readonly signal?: CancelSignal | undefined;
  /** Sent beside the request, where the package type has a field `ud`. */
  readonly ud?: unknown;
}

/** The arguments of a call: a request without fields may be left out. */
export type RequestArguments<In, Options> = undefined extends In
  ? [args?: In, options?: Options]
  : [args: In, options?: Options];

const OPTIONS = [
  ...["context", "on", "failed", "unmatched", "timeout", "maxPending", "clock", "trace"],
  ...["open", "error", "close"],
];

/**
 * The other side of a connection, to be asked: `connection.context` of a connection with the handlers of
 * `sprotoRpc(...).peers()`.
 */
export class RpcPeer<R extends SprotoTypes = AnyTypes, Context = AnyContext> {
  /** The state of this connection that the option `context` made. */
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
      // In the queue of calls: it may ask the peer, and answers must not wait for that.
      unmatched: (session) => {
        const place = { session: session as number | bigint };
        this.#calls?.add(() =>
          this.#unmatched(new RpcError("malformed", "unknown session", place)),
        );
      },
    });
    // What is asked before the connection is open waits.
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
   * Asks, and gives the answer: the response, or undefined where the protocol has none. The answer to a protocol
   * without a response says that the request was taken.
   *
   * @param name - name of a protocol of the remote schema
   * @param rest - the request, and options
   * @returns a promise, rejected with an {@link RpcError} that says which protocol and session: `timeout`,
   *   `closed`, `overflow` when too many requests wait, `malformed` for an answer that cannot be read,
   *   `unencodable`; with a TypeError for a name that is not in the schema
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
   * Sends a call that wants no answer. Before the connection is open it waits, in order with requests.
   *
   * @param name - name of a protocol of the remote schema
   * @param rest - the request, and options
   * @returns as `send` of the connection: false if it is better to wait, and if nothing is sent because the connection
   *   is closing, or too much waits for it to open; so a broadcast does not fail because one peer is closing
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
    // What cannot be written is refused now, as later.
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

  /** A handler failed: what stands for its answer, if anything does. */
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
 * The handlers that bind each connection to a peer of its own.
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
