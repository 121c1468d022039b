import {
  type CancelSignal,
  type Clock,
  type Connection,
  checkOptions,
  type Handlers,
  ProtocolError,
  type Received,
  type Trace,
} from "../../core/index.ts";
import { Calls, RequestError, Requests as Waiting } from "../../session/index.ts";
import { ErrorReply } from "./error-reply.ts";
import type { HeaderExtras } from "./header.ts";
import { decodeWhole } from "./header-codecs.ts";
import type {
  Answered,
  ClientReceived,
  ClientSent,
  HeaderDefinition,
  Names,
  Pushes,
  RequestOf,
  Requests,
  ResponseOf,
} from "./header-types.ts";

/** A client's end of a connection. */
export type HeaderClientConnection<R extends Requests, P extends Pushes> = Connection<
  ClientSent<R>,
  ClientReceived<P>
>;

/** Options for a client. Times are in milliseconds. */
export interface HeaderClientOptions<R extends Requests, P extends Pushes> {
  /**
   * How long a request may take, from the call of `request`. Servers keep silent now and then. 0 or Infinity: no limit.
   * @defaultValue 10 000
   */
  readonly timeout?: number | undefined;
  /**
   * Most requests that may wait at a time; one more is rejected with `overflow`.
   * @defaultValue 1024
   */
  readonly maxPending?: number | undefined;
  /** Further fields for the header of every request. */
  readonly extras?: (() => HeaderExtras) | undefined;
  /** Handlers of what the server sends unasked, by type. */
  readonly push?: { readonly [K in Names<P>]?: (message: Received<P[K]>) => unknown } | undefined;
  /**
   * Called with an answer that no one waits for: an error that answers none of the requests, a response when none was sent.
   * @defaultValue an error is ignored; a response closes the connection, because the next one would be taken for the
   *   answer to another request
   */
  readonly unmatched?: ((received: ClientReceived<P>) => unknown) | undefined;
  /** The connection is open. */
  readonly open?: ((connection: HeaderClientConnection<R, P>) => unknown) | undefined;
  /** As of every connection. */
  readonly error?: Handlers<ClientSent<R>, ClientReceived<P>>["error"];
  /** As of every connection. */
  readonly close?: Handlers<ClientSent<R>, ClientReceived<P>>["close"];
  /**
   * The clock of the timeouts.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
  /**
   * Called with what becomes of each request: `asked`, `answered`, `unanswered`. Give it to the connection as well, to see
   * its bytes and messages.
   * @defaultValue none
   */
  readonly trace?: Trace | undefined;
}

/** Options for one request. */
export interface HeaderRequestOptions {
  /** As the option of that name of the client. */
  readonly timeout?: number | undefined;
  /**
   * Gives the request up: its promise is rejected with the signal's reason. If it was sent, the next request waits for its
   * response all the same.
   */
  readonly signal?: CancelSignal | undefined;
}

/**
 * Asks a server, one request after the other: responses carry neither number nor type, so the next request is sent
 * when the last one is answered, and what comes is what was asked for. Give `handlers` and the protocol to any
 * transport; what is asked before the connection is open waits for it, and after a close the same client can be given
 * to a new connection.
 */
export interface HeaderClient<R extends Requests, P extends Pushes> {
  /** For the connection, whatever transport it has. */
  readonly handlers: Handlers<ClientSent<R>, ClientReceived<P>>;
  /** Number of requests that were not answered yet. */
  readonly pending: number;
  /**
   * Asks, and waits for the response.
   *
   * @returns the response; rejected with an `ErrorReply` when the server answers with an error, ProtocolError
   *   `unencodable` when the message cannot be written, `malformed` when the response cannot be read, `timeout`,
   *   `closed` when the connection ends first, `overflow` when too many wait, or the reason of `signal`
   */
  request<K extends Answered<R>>(
    type: K,
    message: RequestOf<R, K>,
    options?: HeaderRequestOptions,
  ): Promise<ResponseOf<R, K>>;
  /**
   * Sends a message that is not answered. Before the connection is open it waits, in order with requests.
   *
   * @returns as `Connection.send`; also false if too much waits for the connection to open
   */
  notify<K extends Names<R>>(type: K, message: RequestOf<R, K>): boolean;
}

const OPTIONS = [
  ...["timeout", "maxPending", "extras", "push", "unmatched", "clock", "trace"],
  ...["open", "error", "close"],
];

/**
 * @param check - throws if a message cannot be written
 * @internal
 */
export function makeClient<R extends Requests, P extends Pushes>(
  definition: HeaderDefinition<R, P>,
  options: HeaderClientOptions<R, P>,
  check: (value: ClientSent<R>) => unknown,
): HeaderClient<R, P> {
  return new Client(definition, options, check);
}

class Client<R extends Requests, P extends Pushes> implements HeaderClient<R, P> {
  readonly handlers: Handlers<ClientSent<R>, ClientReceived<P>>;
  readonly #definition: R;
  readonly #options: HeaderClientOptions<R, P>;
  readonly #check: (value: ClientSent<R>) => unknown;
  #requests: Waiting<Uint8Array>;
  #connection: HeaderClientConnection<R, P> | undefined;
  /** Handlers at work: responses do not wait for them. */
  #calls: Calls<() => unknown> | undefined;

  constructor(
    definition: HeaderDefinition<R, P>,
    options: HeaderClientOptions<R, P>,
    check: (value: ClientSent<R>) => unknown,
  ) {
    checkOptions("client", options, OPTIONS);
    this.#check = check;
    this.#requests = this.#newRequests(options);
    this.#definition = definition.requests;
    this.#options = options;
    const ended = new WeakSet<object>();
    this.handlers = Object.freeze<Handlers<ClientSent<R>, ClientReceived<P>>>({
      open: (connection) => {
        this.#connection = connection;
        this.#calls = new Calls({ connection, run: (call) => call() });
        // The server sends no more: what it has not answered has failed.
        connection.onInputEnd((error) => {
          ended.add(connection);
          if (this.#connection === connection) this.#lost(error);
        });
        this.#requests.resume();
        return options.open?.(connection);
      },
      message: (_, received) => this.#received(received),
      error: options.error,
      close: (connection, info) => {
        // One that never opened: what waited for it has failed.
        if (!ended.has(connection) && this.#connection === undefined) this.#lost(info.error);
        return options.close?.(connection, info);
      },
    });
  }

  /** For one connection: what is asked before it is open waits, and then one request is sent at a time. */
  #newRequests({ timeout = 10_000, maxPending, clock, trace }: HeaderClientOptions<R, P>) {
    const requests = new Waiting<Uint8Array>({
      ...{ ids: "fifo", maxInFlight: 1, maxId: 0xffff_ffff, timeout, maxPending, clock },
      ...{ trace, name: "protobuf", connection: () => this.#connection },
      unmatched: (id, bytes) => {
        // The late response to a request that was given up is no one's business.
        if (id === undefined) this.#unmatched({ kind: "response", bytes });
      },
    });
    requests.pause();
    return requests;
  }

  get pending(): number {
    return this.#requests.pending;
  }

  async request<K extends Answered<R>>(
    type: K,
    message: RequestOf<R, K>,
    options: HeaderRequestOptions = {},
  ): Promise<ResponseOf<R, K>> {
    checkOptions("request", options, ["timeout", "signal"]);
    const { timeout, signal } = options;
    const response = this.#definition[type]?.response;
    if (response === undefined) throw new TypeError(`${type} is no request that is answered`);
    const requests = this.#requests;
    try {
      return await requests.ask(
        // From 1 on: an error with 0 answers a request whose header could not be read.
        (seq) => this.#connection?.send(this.#message(type, seq, message)),
        {
          timeout,
          signal,
          read: (bytes) => decodeWhole(response, bytes) as ResponseOf<R, K>,
          error: ({ code, text, sent, cause }) =>
            new RequestError(code, `${type}: ${text}`, sent, { cause }),
        },
      );
    } catch (error) {
      // The response, should it still come, is waited for by all that follows.
      const isLate = error instanceof ProtocolError && error.code === "timeout";
      if (isLate && requests.isStalled) this.#connection?.abort(error);
      throw error;
    }
  }

  notify<K extends Names<R>>(type: K, message: RequestOf<R, K>): boolean {
    const requests = this.#requests;
    if (this.#connection !== undefined) {
      return this.#connection.send(this.#message(type, requests.nextId(), message));
    }
    // What cannot be written is refused now, as later.
    this.#check(this.#message(type, 0, message));
    return requests.notify(() => {
      return this.#connection?.send(this.#message(type, requests.nextId(), message));
    });
  }

  #message(type: string, seq: number, message: unknown): ClientSent<R> {
    const extras = this.#options.extras?.();
    return { type, seq, message, extras } as unknown as ClientSent<R>;
  }

  #received(received: ClientReceived<P>): void {
    if (received.kind === "response") {
      this.#requests.answer(undefined, received.bytes);
    } else if (received.kind === "error") {
      const { seq, code, text } = received;
      if (!this.#requests.fail(seq, new ErrorReply(code, text))) this.#unmatched(received);
    } else {
      const push = this.#options.push as Record<string, (message: unknown) => unknown> | undefined;
      const handler = push?.[received.type];
      if (handler !== undefined) this.#calls?.add(() => handler(received.message));
    }
  }

  #unmatched(received: ClientReceived<P>): void {
    const { unmatched } = this.#options;
    if (unmatched !== undefined) this.#calls?.add(() => unmatched(received));
    else if (received.kind === "response") {
      const text = `response of ${received.bytes.length} bytes when no request waits for one`;
      this.#connection?.abort(new ProtocolError("malformed", text));
    }
  }

  #lost(cause: unknown): void {
    this.#connection = undefined;
    const requests = this.#requests;
    this.#requests = this.#newRequests(this.#options);
    requests.end(cause);
  }
}
