import { i32be } from "../../core/index.ts";
import { operations } from "./operations.ts";
import { HEADER, LARGEST, type Packet, packetEnd, readPacket } from "./packet.ts";

/** Options for reading packets from a message or a batch. */
export interface ReadOptions {
  /** Largest packet, header included. */
  readonly maxFrame: number;
  /** Copies the bodies. */
  readonly copy: boolean;
}

/** Packets of any length, with bodies as views. */
const AS_VIEWS: ReadOptions = { maxFrame: LARGEST, copy: false };

/** True if a v2 batch starts at `start`. */
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
 * Reads the packets in a batch's body and adds them to `packets`. It opens one level only: the
 * server never nests, and the peer must not choose the depth.
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
