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
   * Time limit for a request, from the call of `request`, because servers may not answer. 0 or
   * Infinity for no limit.
   * @defaultValue 10 000
   */
  readonly timeout?: number | undefined;
  /**
   * Maximum waiting requests; further ones are rejected with `overflow`.
   * @defaultValue 1024
   */
  readonly maxPending?: number | undefined;
  /** Returns further fields for the header of each request. */
  readonly extras?: (() => HeaderExtras) | undefined;
  /** Handlers of pushes from the server, by type. */
  readonly push?: { readonly [K in Names<P>]?: (message: Received<P[K]>) => unknown } | undefined;
  /**
   * Called with an unexpected answer: an error for an unknown request, or a response when no
   * request was sent.
   * @defaultValue an error is ignored; a response closes the connection, because the next one would
   *   be matched to the wrong request
   */
  readonly unmatched?: ((received: ClientReceived<P>) => unknown) | undefined;
  /** Called when the connection is open. */
  readonly open?: ((connection: HeaderClientConnection<R, P>) => unknown) | undefined;
  /** Handles errors, as for any connection. */
  readonly error?: Handlers<ClientSent<R>, ClientReceived<P>>["error"];
  /** Handles the close, as for any connection. */
  readonly close?: Handlers<ClientSent<R>, ClientReceived<P>>["close"];
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
}

/** Options for one request. */
export interface HeaderRequestOptions {
  /** Overrides the client's option of the same name. */
  readonly timeout?: number | undefined;
  /**
   * Aborts the request: its promise is rejected with the signal's reason. If it was already sent,
   * the next request still waits for its response.
   */
  readonly signal?: CancelSignal | undefined;
}

/**
 * A client that sends one request after the other: responses have neither number nor type, so the
 * next request is sent when the last one is answered. Pass `handlers` and the protocol to any
 * transport. Requests made before the connection is open wait for it. After a close the same client
 * can be used for a new connection.
 */
export interface HeaderClient<R extends Requests, P extends Pushes> {
  /** Handlers for the connection, over any transport. */
  readonly handlers: Handlers<ClientSent<R>, ClientReceived<P>>;
  /** Number of unanswered requests. */
  readonly pending: number;
  /**
   * Sends a request and waits for the response.
   *
   * @returns the response; rejected with an `ErrorReply` if the server answers with an error,
   *   ProtocolError `unencodable` if the message cannot be written, `malformed` if the response
   *   cannot be read, `timeout`, `closed` if the connection ends first, `overflow` if too many
   *   wait, or the reason of `signal`
   */
  request<K extends Answered<R>>(
    type: K,
    message: RequestOf<R, K>,
    options?: HeaderRequestOptions,
  ): Promise<ResponseOf<R, K>>;
  /**
   * Sends a message without an answer. Before the connection is open it waits, in order with
   * requests.
   *
   * @returns like `Connection.send`; also false if too much waits for the connection to open
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
  /** Running handlers; responses do not wait for them. */
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
        // The server sends no more: unanswered requests have failed.
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
        // The connection never opened: requests that waited for it have failed.
        if (!ended.has(connection) && this.#connection === undefined) this.#lost(info.error);
        return options.close?.(connection, info);
      },
    });
  }

  /** Requests of one connection: they wait until it is open, and are then sent one by one. */
  #newRequests({ timeout = 10_000, maxPending, clock, trace }: HeaderClientOptions<R, P>) {
    const requests = new Waiting<Uint8Array>({
      ...{ ids: "fifo", maxInFlight: 1, maxId: 0xffff_ffff, timeout, maxPending, clock },
      ...{ trace, name: "protobuf", connection: () => this.#connection },
      unmatched: (id, bytes) => {
        // The late response to an abandoned request is dropped.
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
    if (response === undefined) throw new TypeError(`${type} is not a request with a response`);
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
      // All later requests wait for the response, in case it still arrives.
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
    // An invalid message is refused now, as it would be once the connection is open.
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
      const text = `response of ${received.bytes.length} bytes, but no request waits for one`;
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
