import type { Clock } from "./clock.ts";
import type { Connection } from "./connection.ts";
import type { ProtocolError } from "./errors.ts";

/** Input that a policy skipped. */
export interface Skipped {
  /** Why the first of these bytes are no frame. */
  readonly error: ProtocolError;
  /** How many bytes were skipped. */
  readonly length: number;
}

/**
 * What to do with bytes that are no frame, in place of ending the stream. Made by `skip` and `resync` of
 * `framewright/framing`.
 */
export interface InvalidPolicy {
  /** `'skip'`: pass over the whole bad frame. `'resync'`: look for the next frame, byte by byte. */
  readonly kind: "skip" | "resync";
  /**
   * Most bytes that are skipped in a row; more are the ordinary error.
   * @defaultValue 16 times `maxFrame`
   */
  readonly most?: number | undefined;
}

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
 * What a user wants to hear of a connection. Each is called with the connection first. A handler that throws,
 * or whose promise is rejected, ends its connection, and no other one.
 */
export interface Handlers<In, Out = In, Context = undefined> {
  /** Makes the state of one connection, kept in `connection.context`. Called once, before anything else. */
  readonly context?: (() => Context) | undefined;

  /** The connection is open. */
  readonly open?: ((connection: Connection<In, Out, Context>) => unknown) | undefined;

  /**
   * A message came. Messages come in order, one call each; nobody waits for a promise that is returned (use
   * `for await` for that). Without this handler the connection is paused until it is iterated.
   */
  readonly message?:
    | ((connection: Connection<In, Out, Context>, value: Out) => unknown)
    | undefined;

  /** `send` answered false, and now is a good time to go on. */
  readonly drain?: ((connection: Connection<In, Out, Context>) => unknown) | undefined;

  /**
   * The peer sends no more, but may still read. Without this handler the connection closes then; with it,
   * closing is the handler's business.
   */
  readonly end?: ((connection: Connection<In, Out, Context>) => unknown) | undefined;

  /**
   * Something went wrong, and the connection closes: the peer broke the protocol (a ProtocolError), the
   * transport failed, or a handler threw. A last word may still be sent. Without this handler, what a handler
   * threw is reported as an uncaught error; what peer or transport did is not.
   */
  readonly error?:
    | ((connection: Connection<In, Out, Context>, error: unknown) => unknown)
    | undefined;

  /** Bad input was skipped, once for each run of it: with the option `onInvalid`. */
  readonly skipped?:
    | ((connection: Connection<In, Out, Context>, skipped: Skipped) => unknown)
    | undefined;

  /** It is over. Called exactly once, last. */
  readonly close?:
    | ((connection: Connection<In, Out, Context>, info: CloseInfo) => unknown)
    | undefined;
}

/** Limits of one connection: bytes and milliseconds. */
export interface ConnectionOptions {
  /**
   * `send` answers false while more bytes than this wait to be written.
   * @defaultValue 256 KiB, or `maxQueued` where that is less
   */
  readonly highWater?: number | undefined;

  /**
   * Most bytes that may wait, in each direction: to be written, because the peer does not read (one frame alone
   * may be longer), or to be read, because the connection is paused and the transport cannot be. More end the
   * connection with `overflow`. A message that waits to be read counts 64 bytes more, so that empty ones end too.
   * @defaultValue 8 MiB, or twice the protocol's `maxFrame` where that is more
   */
  readonly maxQueued?: number | undefined;

  /**
   * No byte for this long while bytes are welcome: `timeout`.
   * @defaultValue 0: no limit
   */
  readonly idleTimeout?: number | undefined;

  /**
   * No message within this time from `open` on: `timeout`.
   * @defaultValue 0: no limit
   */
  readonly openTimeout?: number | undefined;

  /**
   * How long `close` waits for unsent bytes to leave and for the peer to close as well; then the connection is
   * cut. 0: no limit.
   * @defaultValue 10 000, or no limit in a runtime without timers
   */
  readonly closeTimeout?: number | undefined;

  /**
   * Where the timeouts get their time from.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
}
