import { Connection, type Protocol, type Sink } from "../../src/core/index.ts";
import { concat } from "./chunks.ts";
import type { ManualClock } from "./manual-clock.ts";

/** One end of a connection whose other end is a recording: what it writes is kept. */
export class RecordedPeer<In, Out> implements Sink {
  readonly boundary = "stream";
  readonly connection: Connection<In, Out, unknown>;
  #chunks: Uint8Array[] = [];
  /** This end hung up. */
  isClosed = false;

  constructor(protocol: Protocol<In, Out>, clock: ManualClock) {
    this.connection = new Connection<In, Out, unknown>(protocol, this, {}, { clock });
    this.connection.opened();
  }

  write(bytes: Uint8Array): boolean {
    this.#chunks.push(bytes);
    return true;
  }

  pause(): void {}
  resume(): void {}

  close(): void {
    this.isClosed = true;
  }

  abort(): void {
    this.isClosed = true;
  }

  /** What was written and not taken yet. */
  get bytes(): Uint8Array {
    const [only] = this.#chunks;
    if (this.#chunks.length === 1) return only!;
    const all = concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }

  /** The next `count` bytes, or all. */
  take(count = Number.POSITIVE_INFINITY): Uint8Array {
    const { bytes } = this;
    this.#chunks = [bytes.subarray(count)];
    return bytes.subarray(0, count);
  }

  /** The next whole packet, or nothing. */
  takePacket(): Uint8Array {
    const { bytes } = this;
    if (bytes.length < 8) return bytes.subarray(0, 0);
    const length = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    return bytes.length < length ? bytes.subarray(0, 0) : this.take(length);
  }

  /** The recording hangs up. */
  hangUp(): void {
    this.connection.ended();
    this.connection.lost();
  }
}

/** Lets everything that waits for a microtask happen. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
