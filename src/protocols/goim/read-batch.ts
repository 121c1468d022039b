import { i32be } from "../../core/index.ts";
import { operations } from "./operations.ts";
import { HEADER, type Packet, packetEnd, readPacket } from "./packet.ts";

/** How packets are taken out of a message or a batch. */
export interface SplitOptions {
  /** Largest packet, header included. */
  readonly maxFrame: number;
  /** Give bodies memory of their own. */
  readonly copy: boolean;
  /** Open batches of v2, one level. */
  readonly flatten: boolean;
}

/** Does a batch of v2 begin at `start`? */
export function isBatch(bytes: Uint8Array, start: number): boolean {
  return i32be(bytes, start + 8) === operations.v2.raw;
}

/** All packets of the message (or frame) in `bytes[start .. end)`, or one error for all. */
export function splitMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  options: SplitOptions,
): Packet[] {
  const packets: Packet[] = [];
  let at = start;
  do {
    const stop = packetEnd(bytes, at, end, options.maxFrame, "message");
    if (options.flatten && isBatch(bytes, at))
      splitBatch(bytes, at + HEADER, stop, options, packets);
    else packets.push(readPacket(bytes, at, stop, options.copy));
    at = stop;
  } while (at < end);
  return packets;
}

/**
 * Adds the packets of a batch's body. One level only: the server never nests, and depth must not be the
 * peer's choice.
 */
export function splitBatch(
  bytes: Uint8Array,
  start: number,
  end: number,
  options: SplitOptions,
  packets: Packet[],
): Packet[] {
  for (let at = start; at < end; ) {
    const stop = packetEnd(bytes, at, end, options.maxFrame, "batch");
    packets.push(readPacket(bytes, at, stop, options.copy));
    at = stop;
  }
  return packets;
}
