import {
  type Clock,
  checkLimit,
  checkOptions,
  ProtocolError,
  systemClock,
  type Trace,
} from "../core/index.ts";
import { tellerOf } from "./teller-of.ts";

/** The part of a connection that {@link heartbeat} uses. */
export interface HeartbeatConnection {
  readonly lastByteAt: number;
  readonly messages: number;
  readonly isReading: boolean;
  abort(error?: unknown): void;
  onClose(run: () => void): () => void;
}

/** Options for {@link heartbeat}. Times are in milliseconds. */
export interface HeartbeatOptions {
  /** The connection to watch. */
  readonly connection: HeartbeatConnection;
  /** Time between heartbeats, more than 0. */
  readonly interval: number;
  /**
   * Time in which a byte must arrive after a heartbeat; otherwise the connection is aborted with `timeout`.
   * With 0 or Infinity, heartbeats are sent but no answer is expected.
   * @defaultValue `interval`
   */
  readonly timeout?: number | undefined;
  /**
   * Time until the first heartbeat; 0 sends it immediately.
   * @defaultValue `interval`
   */
  readonly first?: number | undefined;
  /** Sends a heartbeat. An error that it throws aborts the connection. */
  send(): unknown;
  /**
   * Called with each `heartbeat` that is sent, and with `missed` if no byte arrives after it.
   * @defaultValue the trace of the connection
   */
  readonly trace?: Trace | undefined;
  /**
   * The clock, which must be that of the connection.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
}

const OPTIONS = ["connection", "interval", "timeout", "first", "send", "trace", "clock"];

/**
 * Sends heartbeats, and aborts the connection if its peer is silent. Any byte counts as a sign of life, not
 * only the answer to a heartbeat: a peer that sends a long message or a backlog is alive. While our side
 * does not read, no byte is expected.
 *
 * A silent peer is detected after at most `interval` + `timeout`, if `timeout` is not longer than `interval`.
 *
 * @returns a function that stops the heartbeats; they also stop when the connection ends
 * @throws RangeError for an invalid time, TypeError for an unknown option
 *
 * @example
 * ```ts
 * import { json, lines } from "framewright";
 * import { connect, listen } from "framewright/node";
 * import { heartbeat } from "framewright/session";
 *
 * const protocol = lines().wrap(json<string>());
 * const server = await listen(protocol, { port: 0, message: (peer, text) => peer.send(text) });
 * const connection = await connect(protocol, { port: server.port });
 * heartbeat({ connection, interval: 5, timeout: 5000, send: () => connection.send("ping") });
 * for await (const answer of connection) {
 *   console.log(answer);
 *   connection.close();
 * }
 * await server.close();
 * //=> ping
 * ```
 */
export function heartbeat(options: HeartbeatOptions): () => void {
  checkOptions("heartbeat", options, OPTIONS);
  const { connection, interval, clock = systemClock } = options;
  const { timeout = interval, first = interval } = options;
  if (!(typeof interval === "number" && interval > 0)) {
    throw new RangeError(`interval must be more than 0 ms, not ${String(interval)}`);
  }
  checkLimit("timeout", timeout);
  checkLimit("first", first);
  const tell = tellerOf(connection, options.trace, clock);
  let isStopped = false;
  let stopBeat = (): void => {};
  let stopCheck: (() => void) | undefined;
  let forget = (): void => {};

  const stop = (): void => {
    isStopped = true;
    stopBeat();
    stopCheck?.();
    forget();
  };

  const beat = (): void => {
    if (stopCheck === undefined && timeout > 0 && timeout !== Infinity) expect();
    stopBeat = clock.after(interval, beat);
    tell?.({ type: "heartbeat" });
    try {
      options.send();
    } catch (error) {
      connection.abort(error);
    }
  };

  /** Starts waiting for a byte. */
  const expect = (): void => {
    // Compares time and count, because two bytes may arrive within one tick of a coarse clock.
    const before = connection.lastByteAt;
    const count = connection.messages;
    let wasReading = connection.isReading;
    stopCheck = clock.after(timeout, () => {
      stopCheck = undefined;
      const { lastByteAt, messages, isReading } = connection;
      wasReading &&= isReading;
      if (!wasReading || lastByteAt !== before || messages !== count) return;
      tell?.({ type: "missed", ms: timeout });
      connection.abort(new ProtocolError("timeout", `no byte within ${timeout} ms of a heartbeat`));
    });
  };

  forget = connection.onClose(stop);
  if (isStopped) return stop;
  if (first === 0) beat();
  else stopBeat = clock.after(first, beat);
  return stop;
}
