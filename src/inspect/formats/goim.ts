import { i16be, i32be } from "../../core/index.ts";
import { addUnread } from "../explain-with.ts";
import type { Draft } from "../part.ts";
import type { Request } from "./explainer.ts";
import { addBytes, addHeader, type HeaderField, valueIn } from "./header.ts";

/** Size of the header in bytes. */
export const HEADER = 16;

const FIELDS: readonly HeaderField[] = [
  ["packetLength", "i32be", { hidden: true, note: "bytes of the whole struct" }],
  ["headerLength", "i16be", { hidden: true, note: "always" }],
  ["ver", "i16be"],
  ["op", "i32be"],
  ["seq", "i32be"],
];

/** Packets of goim: one, or several in a message. Packets of a batch are shown in its body. */
export function explainGoim({ format, name, bytes, start, end }: Request): Draft {
  const batch = format.batch as number;
  return explainPackets(name, bytes, start, end, (packet, all, stop) => {
    if (valueIn(packet, "op") === batch) showBatch(packet, all, stop);
  });
}

/** Explains the body of a packet, which is its last part. */
export type Inside = (packet: Draft, bytes: Uint8Array, end: number) => void;

/** Packets one after the other; a single packet is shown without a list. */
export function explainPackets(
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
  inside: Inside,
): Draft {
  const stop = packetEnd(bytes, start, end);
  if (stop === end || stop === undefined) return onePacket(name, bytes, start, end, inside);
  const root: Draft = { name, start, end: start, type: "packets", parts: [] };
  addPackets(root, bytes, start, end, inside);
  return root;
}

/** Adds packets until one is incomplete. */
function addPackets(
  root: Draft,
  bytes: Uint8Array,
  start: number,
  end: number,
  inside: Inside,
): void {
  let at = start;
  while (at < end) {
    const stop = packetEnd(bytes, at, end);
    const packet = onePacket(`[${root.parts!.length}]`, bytes, at, stop ?? end, inside);
    if (packet.parts!.length > 0) root.parts!.push(packet);
    root.end = packet.end;
    if (stop === undefined) break;
    at = stop;
  }
}

function onePacket(
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
  inside: Inside,
): Draft {
  const packet: Draft = { name, start, end: start, type: "struct" };
  const isRight =
    end - start < 6 || (i32be(bytes, start) >= HEADER && i16be(bytes, start + 4) === HEADER);
  const at = addHeader(packet, isRight ? FIELDS : FIELDS.slice(0, 1), bytes, start, end);
  // A packet that is cut off has no body.
  if (at === undefined || !isRight || packetEnd(bytes, start, end) !== end) return packet;
  addBytes(packet, "body", bytes, at, end);
  inside(packet, bytes, end);
  return packet;
}

/** End of a packet that is complete and has consistent lengths. */
function packetEnd(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (end - start < HEADER || i16be(bytes, start + 4) !== HEADER) return undefined;
  const length = i32be(bytes, start);
  return length >= HEADER && length <= end - start ? start + length : undefined;
}

/** Replaces a body by one with parts. */
export function showBody(packet: Draft, body: Draft): void {
  packet.parts![packet.parts!.length - 1] = { ...body, name: "body" };
}

/** Shows the packets of a batch, if the body consists of complete packets. */
function showBatch(packet: Draft, bytes: Uint8Array, end: number): void {
  const start = packet.start + HEADER;
  if (start === end) return;
  const body: Draft = { name: "body", start, end: start, type: "packets", parts: [] };
  addPackets(body, bytes, start, end, () => {});
  const isWhole = body.parts!.every((one) => packetEnd(bytes, one.start, one.end) === one.end);
  if (!isWhole || body.end < end) return;
  addUnread(body, bytes, end, undefined);
  showBody(packet, body);
}
