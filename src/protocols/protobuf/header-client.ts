import {
  type Clock,
  type Connection,
  checkLimits,
  checkOptions,
  type Handlers,
  markReported,
  ProtocolError,
  type Received,
  systemClock,
} from "../../core/index.ts";
import { Calls } from "../../session/index.ts";
import { ErrorReply } from "./error-reply.ts";
import type { HeaderExtras } from "./header.ts";
import { decodeWhole } from "./header-codecs.ts";
import type {
  Answered,
  ClientReceived,
  ClientSent,
  HeaderDefinition,
  HeaderError,
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

/** What a client can be given. Times are in milliseconds. */
export interface HeaderClientOptions<R extends Requests, P extends Pushes> {
  /**
   * How long a request waits for its response, from the call on. Servers keep silent now and then. 0 or
   * Infinity: for ever.
   * @defaultValue 10 000
   */
  readonly timeout?: number | undefined;
  /**
   * Most requests that may wait at a time; one more is rejected with `overflow`.
   * @defaultValue 1024
   */
  readonly maxPending?: number | undefined;
  /** What is told in the header of every request beside type and number. */
  readonly extras?: (() => HeaderExtras) | undefined;
  /** Handlers of what the server sends unasked, by type. */
  readonly push?: { readonly [K in Names<P>]?: (message: Received<P[K]>) => unknown } | undefined;
  /**
   * Hears of messages that fit no request: an error that answers none that waits, a response when none does.
   * @defaultValue an error is passed over; a response closes the connection, since the next one would be taken for
   *   what it is not
   */
  readonly unexpected?: ((received: ClientReceived<P>) => unknown) | undefined;
  /** The connection is open. */
  readonly open?: ((connection: HeaderClientConnection<R, P>) => unknown) | undefined;
  /** As of every connection. */
  readonly error?: Handlers<ClientSent<R>, ClientReceived<P>>["error"];
  /** As of every connection. */
  readonly close?: Handlers<ClientSent<R>, ClientReceived<P>>["close"];
  /**
   * Where the timeouts get their time from.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
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
   *   `closed` when the connection ends first, `overflow` when too many wait
   */
  request<K extends Answered<R>>(type: K, message: RequestOf<R, K>): Promise<ResponseOf<R, K>>;
  /**
   * Sends a message that is not answered.
   *
   * @returns as `Connection.send`; false while there is no connection
   */
  notify<K extends Names<R>>(type: K, message: RequestOf<R, K>): boolean;
}

const OPTIONS = [
  ...["timeout", "maxPending", "extras", "push", "unexpected", "clock"],
  ...["open", "error", "close"],
];

interface Waiting {
  readonly type: string;
  readonly message: unknown;
  seq: number;
  readonly resolve: (response: never) => void;
  readonly reject: (error: unknown) => void;
  readonly cancelTimer: (() => void) | undefined;
}

/** @internal */
export function makeClient<R extends Requests, P extends Pushes>(
  definition: HeaderDefinition<R, P>,
  options: HeaderClientOptions<R, P>,
): HeaderClient<R, P> {
  return new Client(definition, options);
}

class Client<R extends Requests, P extends Pushes> implements HeaderClient<R, P> {
  readonly handlers: Handlers<ClientSent<R>, ClientReceived<P>>;
  readonly #requests: R;
  readonly #options: HeaderClientOptions<R, P>;
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #maxPending: number;
  readonly #queue: Waiting[] = [];
  #asked: Waiting | undefined;
  #connection: HeaderClientConnection<R, P> | undefined;
  /** Handlers at work: responses do not wait for them. */
  #calls: Calls<() => unknown> | undefined;
  #seq = 0;

  constructor(definition: HeaderDefinition<R, P>, options: HeaderClientOptions<R, P>) {
    checkOptions("client", options, OPTIONS);
    this.#requests = definition.requests;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#timeout = options.timeout ?? 10_000;
    this.#maxPending = options.maxPending ?? 1024;
    checkLimits(options, "timeout", "maxPending");
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
        this.#askNext();
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

  get pending(): number {
    return this.#queue.length + (this.#asked === undefined ? 0 : 1);
  }

  request<K extends Answered<R>>(type: K, message: RequestOf<R, K>): Promise<ResponseOf<R, K>> {
    return new Promise((resolve, reject) => {
      if (this.#requests[type]?.response === undefined) {
        throw new TypeError(`${type} is no request that is answered`);
      }
      if (this.pending >= this.#maxPending) {
        const text = `${this.pending} requests wait, maxPending is ${this.#maxPending}`;
        throw new ProtocolError("overflow", text);
      }
      const waiting: Waiting = {
        type,
        message,
        seq: 0,
        resolve,
        reject,
        cancelTimer:
          this.#timeout > 0
            ? this.#clock.after(this.#timeout, () => this.#expire(waiting))
            : undefined,
      };
      this.#queue.push(waiting);
      this.#askNext();
    });
  }

  notify<K extends Names<R>>(type: K, message: RequestOf<R, K>): boolean {
    return this.#connection?.send(this.#message(type, this.#nextSeq(), message)) ?? false;
  }

  #message(type: string, seq: number, message: unknown): ClientSent<R> {
    const extras = this.#options.extras?.();
    return { type, seq, message, extras } as unknown as ClientSent<R>;
  }

  /** From 1 on: an error with 0 answers a request whose header could not be read. */
  #nextSeq(): number {
    this.#seq = (this.#seq % 0xffff_ffff) + 1;
    return this.#seq;
  }

  #askNext(): void {
    while (this.#connection !== undefined && this.#asked === undefined) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      next.seq = this.#nextSeq();
      try {
        // Marked first: a connection may answer while it sends.
        this.#asked = next;
        this.#connection.send(this.#message(next.type, next.seq, next.message));
      } catch (error) {
        this.#settle(() => next.reject(error));
      }
    }
  }

  /** The request that was asked is done. */
  #settle(tell: (asked: Waiting) => void): void {
    const asked = this.#asked!;
    this.#asked = undefined;
    asked.cancelTimer?.();
    tell(asked);
  }

  #received(received: ClientReceived<P>): void {
    if (received.kind === "push") {
      const push = this.#options.push as Record<
        string,
        ((message: unknown) => unknown) | undefined
      >;
      const handler = push?.[received.type];
      if (handler !== undefined) this.#calls?.add(() => handler(received.message));
      return;
    }
    if (received.kind === "error") this.#receivedError(received);
    else if (this.#asked !== undefined) this.#receivedResponse(received.bytes);
    else if (this.#options.unexpected !== undefined) this.#unexpected(received);
    else {
      const text = `response of ${received.bytes.length} bytes when no request waits for one`;
      this.#connection?.abort(new ProtocolError("malformed", text));
    }
    this.#askNext();
  }

  #receivedError(error: HeaderError): void {
    const { seq, code, text } = error;
    if (this.#asked !== undefined && (seq === this.#asked.seq || seq === 0)) {
      this.#settle((asked) => asked.reject(new ErrorReply(code, text)));
    } else {
      this.#unexpected(error);
    }
  }

  #unexpected(received: ClientReceived<P>): void {
    const { unexpected } = this.#options;
    if (unexpected !== undefined) this.#calls?.add(() => unexpected(received));
  }

  #receivedResponse(bytes: Uint8Array): void {
    this.#settle((asked) => {
      try {
        asked.resolve(decodeWhole(this.#requests[asked.type]!.response!, bytes) as never);
      } catch (error) {
        asked.reject(error);
      }
    });
  }

  #expire(waiting: Waiting): void {
    const text = `no response to ${waiting.type} within ${this.#timeout} ms`;
    const error = new ProtocolError("timeout", text);
    const at = this.#queue.indexOf(waiting);
    if (at >= 0) {
      this.#queue.splice(at, 1);
      waiting.reject(error);
      return;
    }
    this.#settle((asked) => asked.reject(error));
    // Its response, should it still come, would be taken for that of the next request.
    this.#connection?.abort(error);
  }

  #lost(cause: unknown): void {
    this.#connection = undefined;
    const all = this.#queue.splice(0);
    if (this.#asked !== undefined) all.unshift(this.#asked);
    this.#asked = undefined;
    for (const waiting of all) {
      waiting.cancelTimer?.();
      const text = `the connection ended before ${waiting.type} was answered`;
      const error = new ProtocolError("closed", text, undefined, { cause });
      // A handler that waited for the response has no bug.
      markReported(error);
      waiting.reject(error);
    }
  }
}
