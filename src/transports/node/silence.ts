import type { Writable } from "node:stream";
import type { Clock, Sink } from "../../core/index.ts";
import type { SerialPort } from "./serial.ts";

/** Collects frames that end when the line is silent. */
export interface SilenceGate {
  /** Takes bytes. */
  push(bytes: Uint8Array): void;
  /** Delivers the bytes so far as a frame, because nothing follows. */
  flush(): void;
  /** Drops the bytes so far. */
  stop(): void;
}

/** Parts for a {@link silenceGate}. */
export interface SilenceGateParts {
  readonly clock: Clock;
  /** Milliseconds without a byte that end a frame. */
  readonly silence: number;
  /**
   * Maximum frame length at present. For a longer frame, one byte more is delivered immediately, and the
   * rest is dropped.
   */
  most(): number;
  /** Called with each frame, in its own memory. */
  deliver(bytes: Uint8Array): void;
}

const SMALLEST = 256;

/**
 * Cuts a stream where the line is silent.
 *
 * ```text
 *   bytes  ..xx.x....................xxx..
 *                |<-- silence -->|
 *                                deliver(xx x)
 * ```
 *
 * Timers may be late: if the program was busy, bytes that arrived in time are still unread. So when the
 * timer fires, waiting bytes are read first, and only then the frame counts as complete (`clock.soon`).
 */
export function silenceGate({ clock, silence, most, deliver }: SilenceGateParts): SilenceGate {
  let bytes = new Uint8Array(0);
  let length = 0;
  let lastAt = 0;
  let cancel: (() => void) | undefined;
  let isChecking = false;
  let isOverlong = false;
  let isStopped = false;

  const wait = (ms: number): void => {
    cancel = clock.after(ms, () => {
      cancel = undefined;
      isChecking = true;
      if (clock.soon === undefined) check();
      else clock.soon(check);
    });
  };
  const check = (): void => {
    isChecking = false;
    if (isStopped) return;
    const left = lastAt + silence - clock.now();
    if (left > 0) {
      wait(left);
      return;
    }
    isOverlong = false;
    take();
  };
  const take = (): void => {
    if (length === 0) return;
    const frame = bytes.subarray(0, length);
    bytes = new Uint8Array(0);
    length = 0;
    deliver(frame);
  };
  const keep = (chunk: Uint8Array): void => {
    if (length + chunk.length > bytes.length) {
      const room = Math.max(SMALLEST, 2 * bytes.length, length + chunk.length);
      const larger = new Uint8Array(room);
      larger.set(bytes.subarray(0, length));
      bytes = larger;
    }
    bytes.set(chunk, length);
    length += chunk.length;
  };

  return {
    push(chunk) {
      if (isStopped || chunk.length === 0) return;
      lastAt = clock.now();
      if (cancel === undefined && !isChecking) wait(silence);
      if (isOverlong) return;
      const limit = most();
      keep(chunk.subarray(0, Math.max(1, limit + 1 - length)));
      if (length <= limit) return;
      isOverlong = true;
      take();
    },
    flush: take,
    stop() {
      isStopped = true;
      cancel?.();
      cancel = undefined;
      length = 0;
    },
  };
}

/** The sink of a line with frames that end by silence. */
export interface SpacedSink extends Sink {
  /** Drops the queue and writes nothing more. */
  stop(): void;
}

/** Parts for a {@link spacedSink}. */
export interface SpacedSinkParts {
  readonly clock: Clock;
  readonly silence: number;
  readonly writable: Writable;
  /** The same stream if it is a serial port: it tells when bytes have left the system. */
  readonly port: SerialPort | undefined;
  /** Called when there is room for more. */
  drained(): void;
}

/**
 * Makes a sink that keeps the line silent between two frames, so that the peer can separate them.
 *
 * @param sink - ends and aborts the line. Its pause is not used, because silence cannot be detected on a
 *   line that is not read
 * @param parts - clock, silence, the stream, and a callback
 */
export function spacedSink(
  sink: Sink,
  { clock, silence, writable, port, drained }: SpacedSinkParts,
): SpacedSink {
  const queue: Uint8Array[] = [];
  let queued = 0;
  let isBusy = false;
  let cancel = (): void => {};
  let ending: (() => void) | undefined;

  const pump = (): void => {
    if (isBusy) return;
    const bytes = queue.shift();
    if (bytes === undefined) {
      ending?.();
      return;
    }
    isBusy = true;
    queued -= bytes.length;
    const wait = (): void => {
      if (queue.length === 0 && ending !== undefined) {
        isBusy = false;
        pump();
        return;
      }
      cancel = clock.after(silence, () => {
        isBusy = false;
        pump();
        if (queue.length === 0) drained();
      });
    };
    writable.write(bytes, (error) => {
      // The `close` event reports that the line is gone.
      if (error != null) return;
      if (port === undefined) wait();
      else port.drain(wait);
    });
  };
  const stop = (): void => {
    queue.length = 0;
    queued = 0;
    cancel();
  };
  const { end } = sink;

  return {
    boundary: "message",
    get peer() {
      return sink.peer;
    },
    buffered: () => queued + writable.writableLength,
    write(bytes) {
      if (!writable.writable) return true;
      queue.push(bytes);
      queued += bytes.length;
      pump();
      return queue.length === 0;
    },
    pause() {},
    resume() {},
    ...(end && {
      end() {
        ending = () => end.call(sink);
        pump();
      },
    }),
    close(error) {
      ending = () => sink.close(error);
      // No silence is needed after the last frame.
      if (queue.length === 0) cancel();
      if (queue.length === 0) isBusy = false;
      pump();
    },
    abort(error) {
      stop();
      sink.abort(error);
    },
    stop,
  };
}
