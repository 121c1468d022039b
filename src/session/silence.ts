import {
  type Clock,
  checkOptions,
  cutOff,
  guard,
  ProtocolError,
  systemClock,
  type Trace,
} from "../core/index.ts";
import type { HeartbeatConnection } from "./heartbeat.ts";
import { tellerOf } from "./teller-of.ts";

/** Options for {@link watchSilence}. Times are in milliseconds. */
export interface WatchSilenceOptions {
  /** The connection to watch. */
  readonly connection: Omit<HeartbeatConnection, "messages">;
  /** Time in which a byte must arrive, more than 0; Infinity turns the watch off. */
  readonly timeout: number;
  /**
   * Called when no byte has arrived for `timeout`, and again after each further `timeout`, with the number
   * of times in a row.
   * @defaultValue aborts the connection with `timeout`
   */
  readonly silent?: ((times: number) => unknown) | undefined;
  /**
   * Called with `missed` each time no byte has arrived for `timeout`.
   * @defaultValue the trace of the connection
   */
  readonly trace?: Trace | undefined;
  /**
   * The clock, which must be that of the connection.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
}

/**
 * Detects a silent peer: the server's counterpart of {@link heartbeat}, which sends nothing itself. Any
 * byte counts as a sign of life. While our side does not read, no byte is expected.
 *
 * @returns a function that stops the watch; it also stops when the connection ends
 * @throws RangeError for an invalid time, TypeError for an unknown option
 *
 * @example
 * ```ts
 * import { lines, utf8 } from "framewright";
 * import { connect, listen } from "framewright/node";
 * import { watchSilence } from "framewright/session";
 *
 * const protocol = lines().wrap(utf8());
 * const server = await listen(protocol, {
 *   port: 0,
 *   open: (connection) => void watchSilence({ connection, timeout: 20 }),
 *   message: (connection, text) => connection.send(text),
 *   close: (_, { error }) => console.log((error as Error).message),
 * });
 * const client = await connect(protocol, { port: server.port, message: (_, text) => console.log(text) });
 * await client.closed;
 * await server.close();
 * //=> no byte within 20 ms
 * ```
 */
export function watchSilence(options: WatchSilenceOptions): () => void {
  checkOptions("watchSilence", options, ["connection", "timeout", "silent", "trace", "clock"]);
  const { connection, timeout, clock = systemClock } = options;
  if (!(typeof timeout === "number" && timeout > 0)) {
    throw new RangeError(`timeout must be more than 0 ms, not ${String(timeout)}`);
  }
  if (timeout === Infinity) return () => {};
  const abort = (): void => {
    cutOff(connection, new ProtocolError("timeout", `no byte within ${timeout} ms`));
  };
  const { silent = abort } = options;
  const tell = tellerOf(connection, options.trace, clock);
  let since = clock.now();
  let times = 0;

  const check = (): void => {
    const now = clock.now();
    const { lastByteAt, isReading } = connection;
    if (!isReading || lastByteAt > since) {
      since = isReading ? lastByteAt : now;
      times = 0;
    }
    const left = since + (times + 1) * timeout - now;
    stopTimer = clock.after(left > 0 ? left : timeout, check);
    if (left > 0) return;
    times++;
    tell?.({ type: "missed", ms: times * timeout });
    guard(
      () => silent(times),
      (error) => connection.abort(error),
    );
  };
  let stopTimer = clock.after(timeout, check);
  const forget = connection.onClose(() => stopTimer());
  return () => {
    stopTimer();
    forget();
  };
}
