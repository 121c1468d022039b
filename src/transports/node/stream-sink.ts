import { Socket } from "node:net";
import type { Duplex, Readable, Writable } from "node:stream";
import { compact, type Sink } from "../../core/index.ts";

/** A readable and a writable stream that belong together, for example those of a child process. */
export interface StreamPair {
  /** Bytes from the peer, for example `child.stdout`. */
  readonly readable: Readable;
  /** Bytes to the peer, for example `child.stdin`. */
  readonly writable: Writable;
}

/** The sink of Node streams. */
export interface StreamSink extends Sink {
  buffered(): number;
  /** Called when the stream has room again. Returns true if the connection may write. */
  drained(): boolean;
  /** Drops the waiting bytes, because the stream is gone. */
  clear(): void;
  /** Stops writing until `moveTo`. */
  hold(): void;
  /** Continues with another stream instead of the current one or two. */
  moveTo(stream: Duplex): void;
  /**
   * True while this sink writes to the streams or ends them: changes meanwhile are not caused by the
   * program.
   */
  readonly isActive: boolean;
}

/** A large piece is written in slices, so that progress is visible while a slow peer reads. */
const SLICE = 65_536;

/**
 * Makes the sink of two streams, which may be one Duplex.
 *
 * ```text
 *   write -> waiting -> slices of at most 64 KiB -> stream.write
 *                       the next one when the stream has room
 * ```
 */
export function streamSink(input: Readable, output: Writable, name?: string): StreamSink {
  let readable = input;
  let writable = output;
  let isHeld = false;
  let isPaused = false;
  const waiting: Uint8Array<ArrayBuffer>[] = [];
  let held = 0;
  let isEnding = false;
  let isActive = false;
  let peer = name;

  /** If the stream holds unsent bytes, this piece waits too, and must not keep a large chunk alive. */
  const put = (bytes: Uint8Array<ArrayBuffer>): boolean =>
    writable.write(writable.writableLength > 0 ? compact(bytes) : bytes);

  function pump(): boolean {
    if (isHeld) return false;
    let isRoomy = !writable.writableNeedDrain;
    while (isRoomy && waiting.length > 0) {
      const bytes = waiting[0]!;
      const slice = bytes.subarray(0, SLICE);
      if (slice.length === bytes.length) waiting.shift();
      else waiting[0] = bytes.subarray(SLICE);
      held -= slice.length;
      isRoomy = put(slice);
    }
    return isRoomy;
  }

  function end(): void {
    isEnding = true;
    if (!isHeld && waiting.length === 0 && !writable.writableEnded) writable.end();
  }

  /** Runs a function that may destroy the stream. */
  function act<T>(run: () => T): T {
    isActive = true;
    try {
      return run();
    } finally {
      isActive = false;
    }
  }

  function write(bytes: Uint8Array<ArrayBuffer>): boolean {
    // A destroyed stream reports it with its own events; writing to it would only cause another error.
    if (!writable.writable) return true;
    isActive = true;
    try {
      if (waiting.length === 0 && bytes.length <= SLICE && !isHeld) return put(bytes);
      waiting.push(bytes);
      held += bytes.length;
      return pump();
    } finally {
      isActive = false;
    }
  }

  return {
    boundary: "stream",
    get peer() {
      peer ??= addressOf(readable as Partial<Socket>);
      return peer;
    },
    get isActive() {
      return isActive;
    },
    buffered: () => held + writable.writableLength,
    write,
    ...(writable instanceof Socket && {
      writeText(text: string) {
        if (!writable.writable) return true;
        // Waiting data counts in bytes.
        const isWaiting = waiting.length > 0 || writable.writableLength > 0 || isHeld;
        if (isWaiting || text.length > SLICE) {
          return write(Buffer.from(text));
        }
        return act(() => writable.write(text, "utf8"));
      },
    }),
    drained() {
      const isRoomy = act(pump);
      if (isEnding) end();
      return isRoomy;
    },
    clear() {
      waiting.length = 0;
      held = 0;
    },
    hold() {
      isHeld = true;
    },
    moveTo(stream) {
      isHeld = false;
      readable = stream;
      writable = stream;
      if (isPaused) stream.pause();
    },
    cork: () => writable.cork(),
    uncork: () => act(() => writable.uncork()),
    pause() {
      isPaused = true;
      if (!isHeld) readable.pause();
    },
    resume() {
      isPaused = false;
      if (!isHeld) readable.resume();
    },
    end,
    close: end,
    abort() {
      act(() => {
        waiting.length = 0;
        held = 0;
        readable.destroy();
        writable.destroy();
      });
    },
  };
}

/**
 * Address and port of a socket's peer; undefined for other streams, and for a socket that is not connected.
 */
function addressOf({ remoteAddress, remotePort }: Partial<Socket>): string | undefined {
  if (remoteAddress === undefined) return undefined;
  const host = remoteAddress.includes(":") ? `[${remoteAddress}]` : remoteAddress;
  return remotePort === undefined ? host : `${host}:${remotePort}`;
}
