import type { CloseInfo } from "../../core/index.ts";

/** When to try again, and when not to. */
export interface ReconnectOptions {
  /**
   * Milliseconds before the first further attempt; each one after that waits twice as long.
   * @defaultValue 1000
   */
  readonly first?: number | undefined;
  /**
   * Longest delay in milliseconds. A connection that stayed open for so long starts anew with `first`.
   * @defaultValue 30 000
   */
  readonly most?: number | undefined;
  /**
   * How much of a delay is left to chance, 0 to 1, so that the clients of a server that restarts do not come back
   * all at once.
   * @defaultValue 0.5
   */
  readonly jitter?: number | undefined;
  /**
   * Attempts that may fail in a row; then the client gives up.
   * @defaultValue no limit
   */
  readonly attempts?: number | undefined;
  /**
   * False where it makes no sense to try again: a close code that says "go away", say.
   * @defaultValue always true
   */
  readonly when?: ((info: CloseInfo) => boolean) | undefined;
}

/** @internal */
export interface Delays {
  /** Attempts that failed, since a connection stayed. */
  attempt: number;
}

/**
 * Milliseconds to wait for the next attempt; undefined: there is none.
 *
 * @param stayed - how long the connection was open
 * @internal
 */
export function delayAfter(
  options: ReconnectOptions,
  delays: Delays,
  info: CloseInfo,
  stayed: number,
): number | undefined {
  const { first = 1000, most = 30_000, jitter = 0.5, attempts = Infinity, when } = options;
  if (stayed >= most) delays.attempt = 0;
  if (delays.attempt >= attempts || when?.(info) === false) return undefined;
  const delay = Math.min(most, first * 2 ** delays.attempt++);
  return delay * (1 - jitter * Math.random());
}
