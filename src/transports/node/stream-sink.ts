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

/** A large piece is written in slices, so that progress is visible while a slow peer reads. */
const SLICE = 65_536;

/**
 * The sink of two Node streams, which may be one Duplex.
 *
 * ```text
 *   write -> #waiting -> slices of at most 64 KiB -> stream.write
 *                        the next one when the stream has room
 * ```
 */
export class StreamSink implements Sink {
  readonly boundary = "stream";
  #readable: Readable;
  #writable: Writable;
  #peer: string | undefined;
  #isHeld = false;
  #isPaused = false;
  #isEnding = false;
  #waiting: Uint8Array<ArrayBuffer>[] | undefined;
  #held = 0;
  /**
   * True while this sink writes to the streams or ends them: changes meanwhile are not caused by the
   * program.
   */
  isActive = false;
  writeText?: (text: string) => boolean;
  detach?: () => unknown;

  constructor(readable: Readable, writable: Writable, peer?: string) {
    this.#readable = readable;
    this.#writable = writable;
    this.#peer = peer;
    if (writable instanceof Socket) this.writeText = this.#writeText;
  }

  get peer(): string | undefined {
    this.#peer ??= addressOf(this.#readable as Partial<Socket>);
    return this.#peer;
  }

  buffered(): number {
    return this.#held + this.#writable.writableLength;
  }

  unread(): number {
    return this.#readable.readableLength;
  }

  write(bytes: Uint8Array<ArrayBuffer>): boolean {
    // A destroyed stream reports it with its own events; writing to it would only cause another error.
    if (!this.#writable.writable) return true;
    this.isActive = true;
    try {
      if (this.#waiting === undefined && bytes.length <= SLICE && !this.#isHeld) {
        return this.#put(bytes);
      }
      this.#waiting ??= [];
      this.#waiting.push(bytes);
      this.#held += bytes.length;
      return this.#pump();
    } finally {
      this.isActive = false;
    }
  }

  #writeText(text: string): boolean {
    const writable = this.#writable;
    if (!writable.writable) return true;
    // Waiting data counts in bytes.
    const isWaiting = this.#waiting !== undefined || writable.writableLength > 0 || this.#isHeld;
    if (isWaiting || text.length > SLICE) return this.write(Buffer.from(text));
    return this.#act(() => writable.write(text, "utf8"));
  }

  /** If the stream holds unsent bytes, this piece waits too, and must not keep a large chunk alive. */
  #put(bytes: Uint8Array<ArrayBuffer>): boolean {
    const writable = this.#writable;
    return writable.write(writable.writableLength > 0 ? compact(bytes) : bytes);
  }

  #pump(): boolean {
    if (this.#isHeld) return false;
    const waiting = this.#waiting ?? [];
    let isRoomy = !this.#writable.writableNeedDrain;
    while (isRoomy && waiting.length > 0) {
      const bytes = waiting[0]!;
      const slice = bytes.subarray(0, SLICE);
      if (slice.length === bytes.length) waiting.shift();
      else waiting[0] = bytes.subarray(SLICE);
      this.#held -= slice.length;
      isRoomy = this.#put(slice);
    }
    if (this.#waiting?.length === 0) this.#waiting = undefined;
    return isRoomy;
  }

  /** Called when the stream has room again. Returns true if the connection may write. */
  drained(): boolean {
    const isRoomy = this.#act(() => this.#pump());
    if (this.#isEnding) this.end();
    return isRoomy;
  }

  /** Drops the waiting bytes, because the stream is gone. */
  clear(): void {
    // Also for a `#pump` that is at work.
    if (this.#waiting !== undefined) this.#waiting.length = 0;
    this.#waiting = undefined;
    this.#held = 0;
  }

  /** Stops writing until `moveTo`. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Continues with another stream instead of the current one or two. */
  moveTo(stream: Duplex): void {
    this.#isHeld = false;
    this.#readable = stream;
    this.#writable = stream;
    if (this.#isPaused) stream.pause();
  }

  cork(): void {
    this.#writable.cork();
  }

  uncork(): void {
    this.#act(() => this.#writable.uncork());
  }

  pause(): void {
    this.#isPaused = true;
    if (!this.#isHeld) this.#readable.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isHeld) this.#readable.resume();
  }

  end(): void {
    this.#isEnding = true;
    if (this.#isHeld || this.#waiting !== undefined || this.#writable.writableEnded) return;
    this.#writable.end();
  }

  close(): void {
    this.end();
  }

  abort(): void {
    this.#act(() => {
      this.clear();
      this.#readable.destroy();
      this.#writable.destroy();
    });
  }

  /** Runs a function that may destroy the stream. */
  #act<T>(run: () => T): T {
    this.isActive = true;
    try {
      return run();
    } finally {
      this.isActive = false;
    }
  }
}

/**
 * Address and port of a socket's peer; undefined for other streams, and for a socket that is not connected.
 */
function addressOf({ remoteAddress, remotePort }: Partial<Socket>): string | undefined {
  if (remoteAddress === undefined) return undefined;
  const host = remoteAddress.includes(":") ? `[${remoteAddress}]` : remoteAddress;
  return remotePort === undefined ? host : `${host}:${remotePort}`;
}
