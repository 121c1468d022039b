import { compact, MESSAGE_COST } from "../../core/index.ts";
import type { GatewayCommand } from "./commands.ts";
import type { FastwayMessage } from "./fastway.ts";
import { HEADER } from "./packet.ts";

/** A packet that a gateway sends. */
export type GatewayPacket = FastwayMessage | GatewayCommand;

interface Held {
  readonly packet: GatewayPacket;
  readonly cost: number;
  readonly release: () => void;
}

/** What a packet costs in memory while it waits. */
export function costOf(packet: { readonly type: string; readonly message?: Uint8Array }): number {
  return HEADER + (packet.message?.length ?? 0) + MESSAGE_COST;
}

/** The same packet; its message keeps no more memory alive than it needs. */
export function compacted<P extends { readonly type: string }>(packet: P): P {
  const { message } = packet as { readonly message?: Uint8Array };
  return message === undefined ? packet : { ...packet, message: compact(message) };
}

/** The packets of one virtual connection that wait at the gateway, in order. */
export class HeldPackets {
  readonly #queue: Held[] = [];
  #head = 0;
  #cost = 0;

  get size(): number {
    return this.#queue.length - this.#head;
  }

  /** Bytes in memory. */
  get cost(): number {
    return this.#cost;
  }

  add(packet: GatewayPacket, cost: number, release: () => void): void {
    this.#queue.push({ packet, cost, release });
    this.#cost += cost;
  }

  /** The packet that has waited longest. */
  take(): GatewayPacket {
    const { packet, cost, release } = this.#queue[this.#head++]!;
    if (2 * this.#head >= this.#queue.length) {
      // Half empty: moving the rest up costs no more than its pushes did.
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
