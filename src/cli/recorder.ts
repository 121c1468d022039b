import { closeSync, openSync, writeSync } from "node:fs";
import { isIPv6 } from "node:net";
import { Output } from "../core/index.ts";

/** One end of a connection. */
export interface End {
  readonly host: string;
  readonly port: number;
}

/** One connection in a recording. */
export interface Recorded {
  /** Records bytes that the client, or the server, sent. */
  data(isClient: boolean, bytes: Uint8Array): void;
  /** Records the end of the connection. */
  close(isReset: boolean): void;
}

/** The sending state of one end: packet header and the sequence number of its next byte. */
interface Side {
  /** The start of each of its packets; fields that vary are filled in. */
  readonly head: PacketHead;
  next: number;
}

/** Raw IP: Wireshark reads it without a link layer. */
const LINK_RAW = 101;
/** Maximum data of one packet. */
const MOST = 32_768;
/** Size of a write. */
const BATCH = 262_144;
const [FIN, SYN, RST, PSH, ACK] = [1, 2, 4, 8, 16];
const NOTHING = new Uint8Array(0);

/**
 * Records the bytes of connections as a capture (pcapng): as TCP packets with the addresses of both
 * ends, as if captured between them. Data is copied: chunks that are kept for a while cost more, because
 * the garbage collector moves them into its old generation.
 */
export class Recorder {
  readonly #file: number;
  readonly #failed: (error: unknown) => void;
  readonly #batch = new Uint8Array(BATCH);
  readonly #view = new DataView(this.#batch.buffer);
  /** Used bytes of the batch. */
  #end = 0;
  #isClosed = false;

  /**
   * @param path - path of the file, which is created or overwritten
   * @param failed - called once if the file can no longer be written: nothing more is recorded then
   * @throws the system's error if the file cannot be opened
   */
  constructor(path: string, failed: (error: unknown) => void) {
    this.#file = openSync(path, "w");
    this.#failed = failed;
    // A section, and an interface with microseconds.
    const out = new Output();
    out
      .u32le(0x0a0d0d0a)
      .u32le(28)
      .u32le(0x1a2b3c4d)
      .u16le(1)
      .u16le(0)
      .i32le(-1)
      .i32le(-1)
      .u32le(28);
    out.u32le(1).u32le(20).u16le(LINK_RAW).u16le(0).u32le(0).u32le(20);
    this.#put(out.take());
    this.flush();
  }

  /** Starts recording a connection. */
  open(client: End, server: End): Recorded {
    const sides: readonly [Side, Side] = [
      { head: packetHead(client, server), next: 1 },
      { head: packetHead(server, client), next: 1 },
    ];
    const say = (isClient: boolean, flags: number, data: Uint8Array, sequence: number): void => {
      const [side, other] = isClient ? sides : [sides[1], sides[0]];
      const acknowledged = (flags & ACK) === 0 ? 0 : other.next;
      this.#packet(side.head, { flags, sequence, acknowledged, data });
    };
    say(true, SYN, NOTHING, 0);
    say(false, SYN | ACK, NOTHING, 0);
    say(true, ACK, NOTHING, 1);
    return {
      data(isClient, bytes) {
        const side = sides[isClient ? 0 : 1];
        for (let at = 0; at < bytes.length; at += MOST) {
          const data = bytes.length <= MOST ? bytes : bytes.subarray(at, at + MOST);
          say(isClient, PSH | ACK, data, side.next);
          side.next = (side.next + data.length) >>> 0;
        }
      },
      close(isReset) {
        for (const isClient of isReset ? [true] : [true, false]) {
          const side = sides[isClient ? 0 : 1];
          say(isClient, isReset ? RST | ACK : FIN | ACK, NOTHING, side.next);
          side.next = (side.next + 1) >>> 0;
        }
      },
    };
  }

  /** Writes the waiting data. */
  flush(): void {
    if (this.#isClosed) return;
    const size = this.#end;
    this.#end = 0;
    try {
      // A partial write: the disk is nearly full, or a limit was reached.
      for (let at = 0; at < size; ) at += writeSync(this.#file, this.#batch, at, size - at);
    } catch (error) {
      this.close();
      this.#failed(error);
    }
  }

  /** Writes the waiting data, and closes the file. Later data is dropped. */
  close(): void {
    this.flush();
    if (!this.#isClosed) closeSync(this.#file);
    this.#isClosed = true;
  }

  #packet(head: PacketHead, packet: Packet): void {
    if (this.#isClosed) return;
    const { data } = packet;
    const padding = -(head.bytes.length + data.length) & 3;
    const total = head.bytes.length + data.length + padding + 4;
    if (this.#end + total > BATCH) this.flush();
    const start = this.#end;
    this.#put(head.bytes);
    fillIn(this.#view, start, { head, packet, total });
    this.#put(data);
    // The batch is reused, so the padding must be written.
    this.#batch.fill(0, this.#end, this.#end + padding);
    this.#end = start + total;
    this.#view.setUint32(this.#end - 4, total, true);
  }

  #put(bytes: Uint8Array): void {
    this.#batch.set(bytes, this.#end);
    this.#end += bytes.length;
  }
}

interface Packet {
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledged: number;
  readonly data: Uint8Array;
}

/** The start of a packet, up to its data: the headers of pcapng, IP and TCP. */
interface PacketHead {
  readonly bytes: Uint8Array;
  readonly isV6: boolean;
  /** Checksum of the IPv4 header without the fields that are filled in. */
  readonly sum: number;
}

/** Offset of the IP header, after type, length, interface, time and both lengths of the packet. */
const IP = 28;

function packetHead(from: End, to: End): PacketHead {
  const isV6 = isIPv6(from.host) || isIPv6(to.host);
  const out = new Output();
  out.u32le(6).u32le(0).u32le(0).u64le(0).u32le(0).u32le(0);
  if (isV6) {
    out.u32be(0x6000_0000).u16be(0).u8(6).u8(64).bytes(ipv6(from.host)).bytes(ipv6(to.host));
  } else {
    out.u16be(0x4500).u16be(0).u32be(0).u8(64).u8(6).u16be(0);
    out.bytes(ipv4(from.host)).bytes(ipv4(to.host));
  }
  out.u16be(from.port).u16be(to.port).u32be(0).u32be(0);
  out
    .u8(5 << 4)
    .u8(0)
    .u16be(65_535)
    .u16be(0)
    .u16be(0);
  const bytes = out.take();
  let sum = 0;
  for (let at = IP; at < IP + 20; at += 2) sum += bytes[at]! * 256 + bytes[at + 1]!;
  return { bytes, isV6, sum };
}

/** Fills in the fields that vary, including `total`, the bytes of its block. */
function fillIn(
  view: DataView,
  at: number,
  { head, packet, total }: { head: PacketHead; packet: Packet; total: number },
): void {
  const { bytes, isV6, sum } = head;
  const micros = Math.round((performance.timeOrigin + performance.now()) * 1000);
  const length = bytes.length - IP + packet.data.length;
  view.setUint32(at + 4, total, true);
  view.setUint32(at + 12, micros / 2 ** 32, true);
  view.setUint32(at + 16, micros % 2 ** 32, true);
  view.setUint32(at + 20, length, true);
  view.setUint32(at + 24, length, true);
  const ip = at + IP;
  if (isV6) {
    view.setUint16(ip + 4, length - 40);
  } else {
    view.setUint16(ip + 2, length);
    const folded = sum + length;
    const once = (folded & 0xffff) + (folded >>> 16);
    view.setUint16(ip + 10, ~(once + (once >>> 16)));
  }
  const tcp = ip + (isV6 ? 40 : 20);
  view.setUint32(tcp + 4, packet.sequence);
  view.setUint32(tcp + 8, packet.acknowledged);
  view.setUint8(tcp + 13, packet.flags);
}

/** Parses an address; others, such as those of Unix domain sockets, become 0.0.0.0. */
function ipv4(host: string): Uint8Array {
  const parts = host
    .replace(/^::ffff:/i, "")
    .split(".")
    .map(Number);
  return parts.length === 4 && parts.every((part) => part >= 0 && part < 256)
    ? Uint8Array.from(parts)
    : new Uint8Array(4);
}

function ipv6(host: string): Uint8Array {
  const out = new Uint8Array(16);
  if (!isIPv6(host)) {
    out.set([0xff, 0xff], 10);
    out.set(ipv4(host), 12);
    return out;
  }
  const mapped = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(host.split("%")[0]!);
  const [a = 0, b = 0, c = 0, d = 0] = mapped === null ? [] : ipv4(mapped[2]!);
  const text =
    mapped === null
      ? host.split("%")[0]!
      : `${mapped[1]}${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  const [left = "", right] = text.split("::");
  const groups = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const [head, tail] = [groups(left), groups(right ?? "")];
  for (const [n, group] of head.entries()) out.set([group >> 8, group & 255], 2 * n);
  const start = 16 - 2 * tail.length;
  for (const [n, group] of tail.entries()) out.set([group >> 8, group & 255], start + 2 * n);
  return out;
}
