import type { CancelSignal } from "../cancel.ts";
import type { Clock } from "../clock.ts";
import type { InvalidPolicy, Skipped } from "../invalid.ts";
import type { Connection } from "./connection.ts";
import type { Trace } from "./trace.ts";

/** How a connection ended. */
export interface CloseInfo {
  /** `'local'`: this side closed. `'peer'`: the other side did. `'error'`: something went wrong. */
  readonly by: "local" | "peer" | "error";
  /** The error: a ProtocolError, the transport's error, or the error of a handler. */
  readonly error?: unknown;
  /** Close code, if the transport has one (WebSocket). */
  readonly code?: number | undefined;
  /** Close text, if the transport has one (WebSocket). */
  readonly text?: string | undefined;
}

/**
 * The handlers of a connection. The connection is the first argument of each. A handler that throws, or whose
 * promise rejects, closes only its own connection.
 */
export interface Handlers<In, Out = In, Context = undefined> {
  /** Makes the state of one connection, kept in `connection.context`. Called once, before anything else. */
  readonly context?: (() => Context) | undefined;

  /** Called when the connection is open. */
  readonly open?: ((connection: Connection<In, Out, Context>) => unknown) | undefined;

  /**
   * Called for each message, in order. If it returns a promise, the next message waits until it settles (see
   * the option `concurrency`), and the peer is slowed down meanwhile. Without this handler the connection is
   * paused until it is iterated.
   */
  readonly message?:
    | ((connection: Connection<In, Out, Context>, value: Out) => unknown)
    | undefined;

  /** Called when there is room again after `send` returned false. */
  readonly drain?: ((connection: Connection<In, Out, Context>) => unknown) | undefined;

  /**
   * Called when the peer sends no more, but may still read: after the last message, once no promise of
   * `message` is pending. Without this handler our side closes when everything is handled; with it, close it
   * yourself within `endTimeout`.
   */
  readonly end?: ((connection: Connection<In, Out, Context>) => unknown) | undefined;

  /**
   * Called when something went wrong and the connection is about to close: the peer violated the protocol (a
   * ProtocolError), a limit was reached, the transport failed, or a handler threw. Unless the connection was
   * cut, you may still send a final message.
   *
   * Without this handler, and without an iterator, errors of peers are printed as single lines, at a limited
   * rate. Errors of handlers are printed with their stack or thrown, see the option `handlerErrors`.
   */
  readonly error?:
    | ((connection: Connection<In, Out, Context>, error: unknown) => unknown)
    | undefined;

  /** Called when bad input was skipped, once for each run of it: with the option `onInvalid`. */
  readonly skipped?:
    | ((connection: Connection<In, Out, Context>, skipped: Skipped) => unknown)
    | undefined;

  /** Called when the connection is over: exactly once, and last. */
  readonly close?:
    | ((connection: Connection<In, Out, Context>, info: CloseInfo) => unknown)
    | undefined;
}

/** Limits of one connection, in bytes and milliseconds. A time of 0 or Infinity means no limit. */
export interface ConnectionOptions {
  /**
   * `send` returns false while more bytes than this wait to be written.
   * @defaultValue 256 KiB, or `maxQueued` if that is less
   */
  readonly highWater?: number | undefined;

  /**
   * Maximum number of queued bytes, in each direction: unsent because the peer does not read (a single frame
   * may be longer), or unread because the connection is paused and the transport cannot pause. More end the
   * connection with `overflow`. Queued data is counted at its memory cost.
   * @defaultValue 8 MiB, or twice the protocol's `maxFrame` if that is more
   */
  readonly maxQueued?: number | undefined;

  /**
   * Maximum number of pending promises of `message`.
   * @defaultValue 1: one after the other, in order
   */
  readonly concurrency?: number | undefined;

  /**
   * Ends the connection with `timeout` if no byte arrives for this long.
   * @defaultValue 0: no limit
   */
  readonly idleTimeout?: number | undefined;

  /**
   * Ends the connection with `timeout` if no message arrives within this time after `open`.
   * @defaultValue 0: no limit; 30 000 for `listen`
   */
  readonly firstMessageTimeout?: number | undefined;

  /**
   * Ends the connection with `timeout` if a frame takes longer than this from its first byte to its last.
   * @defaultValue 0: no limit; 30 000 for `listen`
   */
  readonly frameTimeout?: number | undefined;

  /**
   * Cuts the connection with `timeout` if the peer takes no bytes for this long while some are queued.
   * @defaultValue 0: no limit; 60 000 for `listen`
   */
  readonly sendTimeout?: number | undefined;

  /**
   * Time that `close` waits for unsent bytes to leave and for the peer to close too; then the connection is
   * cut.
   * @defaultValue 10 000, or no limit in a runtime without timers
   */
  readonly closeTimeout?: number | undefined;

  /**
   * Time that our side may stay open after the peer's end, counted from the last message delivered or byte
   * sent.
   * @defaultValue 60 000, or no limit in a runtime without timers
   */
  readonly endTimeout?: number | undefined;

  /**
   * Time for which messages are delivered before other connections have their turn.
   * @defaultValue 8
   */
  readonly turn?: number | undefined;

  /**
   * How a bug in a handler is reported if there is no `error` handler: `'report'` prints it, `'throw'` throws
   * it as an uncaught exception, which ends most programs.
   * @defaultValue `'report'`; `'throw'` for `connect` and `connectWebSocket`
   */
  readonly handlerErrors?: "report" | "throw" | undefined;

  /** A policy for bytes that are not a frame, instead of ending the connection. */
  readonly onInvalid?: InvalidPolicy | undefined;

  /**
   * Called for everything that happens on the connection. It must not change the events; an error that it
   * throws is reported, and does not affect the connection.
   */
  readonly trace?: Trace | undefined;

  /** Aborts the connection. */
  readonly signal?: CancelSignal | undefined;

  /**
   * The clock of all timeouts.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
}
