import { CHUNK_COST } from "../../core/index.ts";
import type { GatewayCommand } from "./commands.ts";
import type { FastwayMessage } from "./fastway.ts";

/** A packet that a gateway sends. */
export type GatewayPacket = FastwayMessage | GatewayCommand;

interface Held {
  readonly packet: GatewayPacket;
  readonly cost: number;
  readonly release: () => void;
}

// Cost of a waiting packet's objects and its place in a queue, in bytes. Measured by tests.
const PACKET_COST = 192;

/** Returns the memory that a packet uses while it waits, in bytes. */
export function costOf(packet: { readonly type: string; readonly message?: Uint8Array }): number {
  const { message } = packet;
  return PACKET_COST + (message === undefined ? 0 : message.length + CHUNK_COST);
}

/** Returns the same packet with a message that keeps no other memory alive. */
export function compacted<P extends { readonly type: string }>(packet: P): P {
  const { message } = packet as { readonly message?: Uint8Array };
  return message === undefined ? packet : { ...packet, message: alone(message) };
}

/** Returns the same bytes in memory of their own. */
export function alone(bytes: Uint8Array): Uint8Array {
  if (bytes.length === bytes.buffer.byteLength) return bytes;
  const own = new Uint8Array(bytes.length);
  own.set(bytes);
  return own;
}

/** The packets of one virtual connection that wait at the gateway, in order. */
export class HeldPackets {
  readonly #queue: Held[] = [];
  #head = 0;
  #cost = 0;

  get size(): number {
    return this.#queue.length - this.#head;
  }

  /** Memory of all packets, in bytes. */
  get cost(): number {
    return this.#cost;
  }

  add(packet: GatewayPacket, cost: number, release: () => void): void {
    this.#queue.push({ packet, cost, release });
    this.#cost += cost;
  }

  /** Removes and returns the oldest packet. */
  take(): GatewayPacket {
    const { packet, cost, release } = this.#queue[this.#head++]!;
    if (2 * this.#head >= this.#queue.length) {
      // Half empty: moving the rest costs no more than its pushes did.
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    this.#cost -= cost;
    release();
    return packet;
  }

  clear(): void {
    for (const { release } of this.#queue.splice(this.#head)) release();
    this.#queue.length = 0;
    this.#head = 0;
    this.#cost = 0;
  }
}
