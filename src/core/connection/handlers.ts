import type { CancelSignal } from "../cancel.ts";
import type { Clock } from "../clock.ts";
import type { InvalidPolicy, Skipped } from "../invalid.ts";
import type { Connection } from "./connection.ts";
import type { Trace } from "./trace.ts";

/** How a connection ended. */
export interface CloseInfo {
  /** `'local'`: this side closed. `'peer'`: the other side did. `'error'`: something went wrong. */
  readonly by: "local" | "peer" | "error";
  /** What went wrong: a ProtocolError, the transport's error, or what a handler threw. */
  readonly error?: unknown;
  /** Close code, where the transport has one (WebSocket). */
  readonly code?: number | undefined;
  /** Close text, where the transport has one (WebSocket). */
  readonly text?: string | undefined;
}

/**
 * The handlers of a connection. Each is called with the connection first. A handler that throws, or whose promise is
 * rejected, ends its own connection and no other one.
 */
export interface Handlers<In, Out = In, Context = undefined> {
  /** Makes the state of one connection, kept in `connection.context`. Called once, before anything else. */
  readonly context?: (() => Context) | undefined;

  /** The connection is open. */
  readonly open?: ((connection: Connection<In, Out, Context>) => unknown) | undefined;

  /**
   * A message came. Messages come in order. If it returns a promise, the next message waits until it settles (see the
   * option `concurrency`), and the peer is slowed down meanwhile. Without this handler the connection is paused until it
   * is iterated.
   */
  readonly message?:
    | ((connection: Connection<In, Out, Context>, value: Out) => unknown)
    | undefined;

  /** There is room again after `send` returned false. */
  readonly drain?: ((connection: Connection<In, Out, Context>) => unknown) | undefined;

  /**
   * The peer sends no more, but may still read. Called after the last message, once no promise of `message` is pending.
   * Without this handler our side closes when everything is handled; with it, close it yourself within `endTimeout`.
   */
  readonly end?: ((connection: Connection<In, Out, Context>) => unknown) | undefined;

  /**
   * Something went wrong and the connection closes: the peer broke the protocol (a ProtocolError), a limit was reached,
   * the transport failed, or a handler threw. Unless the connection was cut, a last word may still be sent.
   *
   * Without this handler, and without an iterator, what the peer did is printed in one line, now and then; what a
   * handler threw is printed with its stack or thrown, see the option `handlerErrors`.
   */
  readonly error?:
    | ((connection: Connection<In, Out, Context>, error: unknown) => unknown)
    | undefined;

  /** Bad input was skipped, once for each run of it: with the option `onInvalid`. */
  readonly skipped?:
    | ((connection: Connection<In, Out, Context>, skipped: Skipped) => unknown)
    | undefined;

  /** The connection is over. Called exactly once, and last. */
  readonly close?:
    | ((connection: Connection<In, Out, Context>, info: CloseInfo) => unknown)
    | undefined;
}

/** Limits of one connection: bytes and milliseconds. A time of 0 or Infinity is no limit. */
export interface ConnectionOptions {
  /**
   * `send` returns false while more bytes than this wait to be written.
   * @defaultValue 256 KiB, or `maxQueued` if that is less
   */
  readonly highWater?: number | undefined;

  /**
   * Most bytes that may wait, in each direction: to be written, because the peer does not read (one frame alone may be
   * longer), or to be read, because the connection is paused and the transport cannot be. More end the connection with
   * `overflow`. What waits counts as what it costs in memory.
   * @defaultValue 8 MiB, or twice the protocol's `maxFrame` if that is more
   */
  readonly maxQueued?: number | undefined;

  /**
   * Messages whose promises may be pending at a time, if `message` returns promises.
   * @defaultValue 1: one after the other, in order
   */
  readonly concurrency?: number | undefined;

  /**
   * Ends the connection with `timeout` if no byte comes for this long.
   * @defaultValue 0: no limit
   */
  readonly idleTimeout?: number | undefined;

  /**
   * Ends the connection with `timeout` if no message comes within this time after `open`.
   * @defaultValue 0: no limit; 30 000 for `listen`
   */
  readonly firstMessageTimeout?: number | undefined;

  /**
   * Ends the connection with `timeout` if a frame takes longer than this from its first byte to its last.
   * @defaultValue 0: no limit; 30 000 for `listen`
   */
  readonly frameTimeout?: number | undefined;

  /**
   * Cuts the connection with `timeout` if the peer takes nothing for this long while something waits.
   * @defaultValue 0: no limit; 60 000 for `listen`
   */
  readonly sendTimeout?: number | undefined;

  /**
   * How long `close` waits for unsent bytes to leave and for the peer to close as well; then the connection is cut.
   * @defaultValue 10 000, or no limit in a runtime without timers
   */
  readonly closeTimeout?: number | undefined;

  /**
   * How long our side may stay open after the peer's end, from the last message delivered or byte sent.
   * @defaultValue 60 000, or no limit in a runtime without timers
   */
  readonly endTimeout?: number | undefined;

  /**
   * How long messages are delivered in one go, before other connections have their turn.
   * @defaultValue 8
   */
  readonly turn?: number | undefined;

  /**
   * What becomes of a bug in a handler if there is no `error` handler: `'report'` prints it, `'throw'` throws it where no
   * one catches it, which ends most programs.
   * @defaultValue `'report'`; `'throw'` for `connect` and `connectWebSocket`
   */
  readonly handlerErrors?: "report" | "throw" | undefined;

  /** What to do with bytes that are no frame, in place of ending the connection. */
  readonly onInvalid?: InvalidPolicy | undefined;

  /**
   * Called with everything that happens to the connection, to see its wire. It must not change what it is shown; what it
   * throws is reported, and is no harm to the connection.
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
