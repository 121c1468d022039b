import { i32be } from "../../core/index.ts";
import { operations } from "./operations.ts";
import { HEADER, LARGEST, type Packet, packetEnd, readPacket } from "./packet.ts";

/** How packets are read out of a message or a batch. */
export interface ReadOptions {
  /** Largest packet, header included. */
  readonly maxFrame: number;
  /** Give bodies memory of their own. */
  readonly copy: boolean;
}

/** Packets of any length, their bodies views. */
const AS_VIEWS: ReadOptions = { maxFrame: LARGEST, copy: false };

/** True if a batch of v2 begins at `start`. */
export function isBatch(bytes: Uint8Array, start: number): boolean {
  return i32be(bytes, start + 8) === operations.v2.raw;
}

/**
 * Reads all packets of the message (or frame) in `bytes[start .. end)`, or throws one error for all.
 *
 * @param options - `flatten`: open batches of v2, one level
 */
export function readMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  options: ReadOptions & { readonly flatten: boolean },
): Packet[] {
  const packets: Packet[] = [];
  let at = start;
  do {
    const stop = packetEnd(bytes, at, end, options.maxFrame, "message");
    if (options.flatten && isBatch(bytes, at)) {
      readBatch(bytes, at + HEADER, stop, options, packets);
    } else {
      packets.push(readPacket(bytes, at, stop, options.copy));
    }
    at = stop;
  } while (at < end);
  return packets;
}

/**
 * Reads the packets in a batch's body and adds them to `packets`. One level only: the server never nests, and
 * depth must not be the peer's choice.
 */
export function readBatch(
  bytes: Uint8Array,
  start: number,
  end: number,
  { maxFrame, copy }: ReadOptions = AS_VIEWS,
  packets: Packet[] = [],
): Packet[] {
  for (let at = start; at < end; ) {
    const stop = packetEnd(bytes, at, end, maxFrame, "batch");
    packets.push(readPacket(bytes, at, stop, copy));
    at = stop;
  }
  return packets;
}
