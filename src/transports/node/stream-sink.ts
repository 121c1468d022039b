import { Socket } from "node:net";
import type { Duplex, Readable, Writable } from "node:stream";
import { compact, type Sink } from "../../core/index.ts";

/** A stream to read and one to write that belong together: those of a child process. */
export interface StreamPair {
  /** What the peer sends, such as `child.stdout`. */
  readonly readable: Readable;
  /** What is sent to the peer, such as `child.stdin`. */
  readonly writable: Writable;
}

/** The outgoing side of Node streams. */
export interface StreamSink extends Sink {
  buffered(): number;
  /** The stream has room again. Returns true if the connection may write. */
  drained(): boolean;
  /** The stream is gone: forgets what waits. */
  clear(): void;
  /** Writes nothing from now on, until `moveTo`. */
  hold(): void;
  /** Goes on with another stream in place of the first one or two. */
  moveTo(stream: Duplex): void;
  /** True while this side writes or ends the streams: what they do meanwhile is not the program's doing. */
  readonly isActive: boolean;
}

/** A large piece is handed over in slices, so that progress shows while a slow peer takes it. */
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

  /** Behind bytes that wait in the stream a piece waits, too, and must not keep a large chunk alive. */
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

  /** Runs something that may destroy the stream at once. */
  function act<T>(run: () => T): T {
    isActive = true;
    try {
      return run();
    } finally {
      isActive = false;
    }
  }

  function write(bytes: Uint8Array<ArrayBuffer>): boolean {
    // A stream that is gone says so by its events; writing to it would only make another error.
    if (!writable.writable) return true;
    return act(() => {
      if (waiting.length === 0 && bytes.length <= SLICE && !isHeld) return put(bytes);
      waiting.push(bytes);
      held += bytes.length;
      return pump();
    });
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
        // What waits counts as bytes.
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

/** Address and port of a socket's peer; undefined for other streams, and before a socket is connected. */
function addressOf({ remoteAddress, remotePort }: Partial<Socket>): string | undefined {
  if (remoteAddress === undefined) return undefined;
  const host = remoteAddress.includes(":") ? `[${remoteAddress}]` : remoteAddress;
  return remotePort === undefined ? host : `${host}:${remotePort}`;
}
