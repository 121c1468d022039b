import { closeSync, openSync, writeSync } from "node:fs";
import { isIPv6 } from "node:net";
import { internetChecksum, Output } from "../core/index.ts";

/** An end of a connection. */
export interface End {
  readonly host: string;
  readonly port: number;
}

/** One connection in a recording. */
export interface Recorded {
  /** Bytes that the client, or the server, sent. */
  data(isClient: boolean, bytes: Uint8Array): void;
  /** The connection is over. */
  close(isReset: boolean): void;
}

/** What one end sends, and the sequence number of its next byte. */
interface Side {
  readonly from: End;
  readonly to: End;
  next: number;
}

/** Raw IP: what Wireshark reads without a link layer. */
const LINK_RAW = 101;
/** Most data of one packet. */
const MOST = 32_768;
const FLUSH = 65_536;
const [FIN, SYN, RST, PSH, ACK] = [1, 2, 4, 8, 16];

/**
 * Writes what goes through connections as a capture (pcapng): as packets of TCP with the addresses of both ends, as if
 * it had been captured between them.
 */
export class Recorder {
  readonly #file: number;
  readonly #out = new Output();
  #isClosed = false;

  constructor(path: string) {
    this.#file = openSync(path, "w");
    // A section, and an interface with microseconds.
    this.#block(0x0a0d0d0a, (out) => out.u32le(0x1a2b3c4d).u16le(1).u16le(0).i32le(-1).i32le(-1));
    this.#block(1, (out) => out.u16le(LINK_RAW).u16le(0).u32le(0));
    this.flush();
  }

  /** Begins a connection. */
  open(client: End, server: End): Recorded {
    const sides: [Side, Side] = [
      { from: client, to: server, next: 1 },
      { from: server, to: client, next: 1 },
    ];
    const say = (isClient: boolean, flags: number, data: Uint8Array, sequence: number): void => {
      const [side, other] = isClient ? sides : [sides[1], sides[0]];
      const acknowledged = (flags & ACK) === 0 ? 0 : other.next;
      this.#packet(side.from, side.to, { sequence, acknowledged, flags, data });
    };
    const none = new Uint8Array(0);
    say(true, SYN, none, 0);
    say(false, SYN | ACK, none, 0);
    say(true, ACK, none, 1);
    return {
      data(isClient, bytes) {
        const side = sides[isClient ? 0 : 1];
        for (let at = 0; at < bytes.length; at += MOST) {
          const data = bytes.subarray(at, at + MOST);
          say(isClient, PSH | ACK, data, side.next);
          side.next = (side.next + data.length) >>> 0;
        }
      },
      close(isReset) {
        for (const isClient of isReset ? [true] : [true, false]) {
          const side = sides[isClient ? 0 : 1];
          say(isClient, isReset ? RST | ACK : FIN | ACK, none, side.next);
          side.next = (side.next + 1) >>> 0;
        }
      },
    };
  }

  /** Writes what waits. */
  flush(): void {
    if (this.#isClosed || this.#out.length === 0) return;
    writeSync(this.#file, this.#out.view());
    this.#out.truncate(0);
  }

  /** Writes what waits, and closes the file. What comes after that is left out. */
  close(): void {
    this.flush();
    if (!this.#isClosed) closeSync(this.#file);
    this.#isClosed = true;
  }

  #packet(
    from: End,
    to: End,
    {
      sequence,
      acknowledged,
      flags,
      data,
    }: { sequence: number; acknowledged: number; flags: number; data: Uint8Array },
  ): void {
    if (this.#isClosed) return;
    const isV6 = isIPv6(from.host) || isIPv6(to.host);
    const length = (isV6 ? 40 : 20) + 20 + data.length;
    const micros = Math.round(performance.timeOrigin * 1000 + performance.now() * 1000);
    this.#block(6, (out) => {
      out
        .u32le(0)
        .u32le(Math.floor(micros / 2 ** 32))
        .u32le(micros % 2 ** 32);
      out.u32le(length).u32le(length);
      const start = out.length;
      if (isV6) {
        out
          .u32be(0x6000_0000)
          .u16be(20 + data.length)
          .u8(6)
          .u8(64);
        out.bytes(ipv6(from.host)).bytes(ipv6(to.host));
      } else {
        out.u16be(0x4500).u16be(length).u32be(0).u8(64).u8(6).u16be(0);
        out.bytes(ipv4(from.host)).bytes(ipv4(to.host));
        const header = out.view().subarray(start, start + 20);
        out.patch(start + 10, 2, internetChecksum(header, 0, 20), "be");
      }
      out.u16be(from.port).u16be(to.port).u32be(sequence).u32be(acknowledged);
      out
        .u8(5 << 4)
        .u8(flags)
        .u16be(65_535)
        .u16be(0)
        .u16be(0)
        .bytes(data);
    });
    if (this.#out.length > FLUSH) this.flush();
  }

  #block(type: number, write: (out: Output) => unknown): void {
    const out = this.#out;
    const start = out.length;
    out.u32le(type).u32le(0);
    write(out);
    while ((out.length - start) % 4 !== 0) out.u8(0);
    const size = out.length - start + 4;
    out.patch(start + 4, 4, size, "le").u32le(size);
  }
}

/** Addresses that are none, such as those of Unix domain sockets, are 0.0.0.0. */
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
