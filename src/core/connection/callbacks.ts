import type { Skipped } from "../invalid.ts";
import { isThenable } from "../thenable.ts";
import type { CloseInfo } from "./handlers.ts";
import { isCausedBy, markReported, reportBug, reportPeer, wasReported } from "./report.ts";

/** All handlers of a connection in one object shape, which V8 reads fast. */
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

/** Handlers without their types: they are called with the connection for which they were passed. */
type AnyHandlers = {
  readonly [name in keyof Heard]?: ((...args: never[]) => unknown) | undefined;
};

function heard(handlers: AnyHandlers): Heard {
  const { open, message, drain, end, error, skipped, close } = handlers;
  return { open, message, drain, end, error, skipped, close } as Heard;
}

/** The part of a connection that calls of handlers need. */
export interface CallbacksOwner {
  /** Begins a call that may send. */
  enter(): void;
  /** Ends the call: sent messages are flushed. */
  leave(): void;
  /** A handler threw. */
  handlerFailed(error: unknown): void;
  /** A handler's promise was rejected. */
  rejected(error: unknown): void;
  /** A promise of a handler settled. */
  settled(): void;
}

/** Calls the handlers of one connection, except `message`, and reports errors. */
export class Callbacks {
  readonly #owner: CallbacksOwner;
  readonly #connection: unknown;
  /** How to report bugs without an `error` handler. */
  readonly handlerErrors: "report" | "throw";
  #handlers: Heard;
  /** The last bug that was reported: it may arrive again through a promise. */
  #bug: unknown;
  #hasBug = false;
  /** The last error of the peer or the transport that was reported. */
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
    // A rejection ends the connection, so nothing waits for it any more.
    Promise.resolve(result).then(settled, (error) => this.#owner.rejected(error));
  }

  /** Reports skipped input. */
  skipped(skipped: Skipped): void {
    const { skipped: handler } = this.#handlers;
    if (handler === undefined) return;
    this.call(() => handler(this.#connection as never, skipped));
  }

  /** Reports a bug in a handler to the `error` handler, or prints or throws it. */
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
   * Reports an error of the peer or the transport to the `error` handler, or in one printed line unless an
   * iterator receives it. Once for each error of this connection.
   */
  reportFault(
    error: unknown,
    isIterated: boolean,
    protocol: string,
    peer: string | undefined,
  ): void {
    if (this.#fault !== undefined && this.#fault.error === error) return;
    this.#fault = { error };
    // Another connection may have failed with the same error, or have caused this one: it is printed once.
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

  /** Reports that the connection is over. */
  close(info: CloseInfo): void {
    this.#isClosed = true;
    const { close } = this.#handlers;
    if (close === undefined) return;
    this.guard(() =>
      (close as (connection: unknown, info: CloseInfo) => unknown)(this.#connection, info),
    );
  }

  /** Calls a function whose error no handler receives: it is reported as a bug. */
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
