import type { Skipped } from "../invalid.ts";
import { isThenable } from "../thenable.ts";
import type { CloseInfo } from "./handlers.ts";
import { isCausedBy, markReported, reportBug, reportPeer, wasReported } from "./report.ts";

/** All handlers of a connection in one shape, whatever object they came in: V8 then reads them fast. */
interface Heard {
  readonly open: Handler | undefined;
  readonly message: ((connection: never, value: never) => unknown) | undefined;
  readonly drain: Handler | undefined;
  readonly end: Handler | undefined;
  readonly error: ((connection: never, error: unknown) => unknown) | undefined;
  readonly skipped: ((connection: never, skipped: Skipped) => unknown) | undefined;
  readonly close: ((connection: never, info: CloseInfo) => unknown) | undefined;
}

type Handler = (connection: never) => unknown;

/** Handlers whose types do not matter: they are called with the connection that they were given for. */
type AnyHandlers = {
  readonly [name in keyof Heard]?: ((...args: never[]) => unknown) | undefined;
};

function heard(handlers: AnyHandlers): Heard {
  const { open, message, drain, end, error, skipped, close } = handlers;
  return { open, message, drain, end, error, skipped, close } as Heard;
}

/** What calls of handlers ask of their connection. */
export interface CallbacksOwner {
  /** Begins something that may send. */
  enter(): void;
  /** Ends it: what was sent is flushed. */
  leave(): void;
  /** A handler threw. */
  handlerFailed(error: unknown): void;
  /** A handler's promise was rejected. */
  rejected(error: unknown): void;
  /** A promise of a handler settled. */
  settled(): void;
}

/** Calls the handlers of one connection, except for `message`, and tells of errors. */
export class Callbacks {
  readonly #owner: CallbacksOwner;
  readonly #connection: unknown;
  /** What becomes of bugs without an `error` handler. */
  readonly handlerErrors: "report" | "throw";
  #handlers: Heard;
  /** The last bug that was reported: it may come back through a promise. */
  #bug: unknown;
  #hasBug = false;
  /** The last fault that was reported. */
  #fault: { readonly error: unknown } | undefined;
  /** The `close` handler was called, which is the last one. */
  #isClosed = false;
  /** Promises of handlers that are pending, without those of `message`. */
  pending = 0;
  /** The promise of `end` is pending. */
  isEndPending = false;

  constructor(
    owner: CallbacksOwner,
    connection: unknown,
    handlers: AnyHandlers,
    handlerErrors: "report" | "throw",
  ) {
    this.#owner = owner;
    this.#connection = connection;
    this.#handlers = heard(handlers);
    this.handlerErrors = handlerErrors;
  }

  get handlers(): Heard {
    return this.#handlers;
  }

  use(handlers: AnyHandlers): void {
    this.#handlers = heard(handlers);
  }

  /** Calls a handler; its promise counts as pending until it settles. */
  call(handler: Handler | undefined, isEnd = false): void {
    if (handler === undefined) return;
    this.#owner.enter();
    try {
      const result = (handler as (connection: unknown) => unknown)(this.#connection);
      if (typeof result === "object" && result !== null && isThenable(result)) {
        this.#follow(result, isEnd);
      }
    } catch (error) {
      this.#owner.handlerFailed(error);
    }
    this.#owner.leave();
  }

  #follow(result: PromiseLike<unknown>, isEnd: boolean): void {
    this.pending++;
    if (isEnd) this.isEndPending = true;
    const settled = (): void => {
      this.pending--;
      if (isEnd) this.isEndPending = false;
      this.#owner.settled();
    };
    Promise.resolve(result).then(settled, (error) => {
      this.#owner.rejected(error);
      settled();
    });
  }

  /** Bad input was skipped. */
  skipped(skipped: Skipped): void {
    const { skipped: handler } = this.#handlers;
    if (handler === undefined) return;
    this.call(() => handler(this.#connection as never, skipped));
  }

  /** Tells of a bug in a handler: the `error` handler, or whoever runs the program. */
  reportBug(error: unknown): void {
    this.#bug = error;
    this.#hasBug = true;
    const { error: handler } = this.#handlers;
    if (handler === undefined) reportBug(error, this.handlerErrors);
    else if (this.#isClosed) reportBug(error, "report");
    else this.#tell(handler, error);
  }

  /** True for the bug that was reported last, and for an error that it caused. */
  isKnownBug(error: unknown): boolean {
    return this.#hasBug && isCausedBy(error, this.#bug);
  }

  /**
   * Tells of what the peer or the transport did wrong: the `error` handler, or one printed line unless an iterator is
   * told. Once for each error of this connection.
   */
  reportFault(
    error: unknown,
    isIterated: boolean,
    protocol: string,
    peer: string | undefined,
  ): void {
    if (this.#fault !== undefined && this.#fault.error === error) return;
    this.#fault = { error };
    // Another connection may have failed with it, or this error be caused by that one's: it is printed once.
    const isKnown = wasReported(error);
    markReported(error);
    const { error: handler } = this.#handlers;
    if (handler === undefined) {
      if (!isIterated && !isKnown) reportPeer(protocol, peer, error);
    } else if (!this.#isClosed) {
      this.#tell(handler, error);
    }
  }

  #tell(handler: NonNullable<Heard["error"]>, error: unknown): void {
    this.#owner.enter();
    this.guard(() =>
      (handler as (connection: unknown, error: unknown) => unknown)(this.#connection, error),
    );
    this.#owner.leave();
  }

  /** The connection is over. */
  close(info: CloseInfo): void {
    this.#isClosed = true;
    const { close } = this.#handlers;
    if (close === undefined) return;
    this.guard(() =>
      (close as (connection: unknown, info: CloseInfo) => unknown)(this.#connection, info),
    );
  }

  /** Calls something of which no handler takes an error: what it throws is reported as a bug. */
  guard(call: () => unknown): void {
    const rejected = (error: unknown): void => {
      if (!wasReported(error) && !this.isKnownBug(error)) reportBug(error, this.handlerErrors);
    };
    try {
      const result = call();
      if (typeof result === "object" && result !== null && isThenable(result)) {
        Promise.resolve(result).then(undefined, rejected);
      }
    } catch (error) {
      reportBug(error, this.handlerErrors);
    }
  }
}
