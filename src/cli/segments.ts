import { u16be, u32be } from "../core/index.ts";
import type { Packet } from "./capture.ts";

/** The TCP segment or UDP datagram in one packet. */
export interface Segment {
  readonly kind: "tcp" | "udp";
  readonly time: number;
  /** `10.0.0.1:80`, `[::1]:80`. */
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  /** Sequence number; TCP only. */
  readonly sequence: number;
  readonly acknowledged: number | undefined;
  readonly syn: boolean;
  readonly fin: boolean;
  readonly reset: boolean;
  readonly data: Uint8Array;
  /** Bytes of data on the wire that are not in the capture. */
  readonly cut: number;
}

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
/** Tags of virtual networks: 802.1Q, 802.1ad. */
const TAGS: readonly number[] = [0x8100, 0x88a8, 0x9100];
const TCP = 6;
const UDP = 17;

/** Returns the segment in a packet; undefined for anything else, including fragments. */
export function segmentIn(packet: Packet): Segment | undefined {
  const at = networkIn(packet);
  if (at === undefined || at >= packet.bytes.length) return undefined;
  const version = packet.bytes[at]! >> 4;
  if (version === 4) return ofIpv4(packet, at);
  return version === 6 ? ofIpv6(packet, at) : undefined;
}

/** Returns the start of the IP header. */
function networkIn({ link, bytes }: Packet): number | undefined {
  const ofType = (at: number, payload: number): number | undefined => {
    if (at + 2 > bytes.length) return undefined;
    const type = u16be(bytes, at);
    return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? payload : undefined;
  };
  switch (link) {
    case 0: // loopback of BSD: the family in the byte order of the host
    case 108:
      return 4;
    case 1: {
      // Ethernet
      let at = 12;
      while (at + 2 <= bytes.length && TAGS.includes(u16be(bytes, at))) at += 4;
      return ofType(at, at + 2);
    }
    case 12:
    case 14:
    case 101: // raw IP
    case 228:
    case 229:
      return 0;
    case 113: // Linux cooked
      return ofType(14, 16);
    case 276:
      return ofType(0, 20);
    default:
      throw new Error(`framewright: captures of link type ${link} are not supported`);
  }
}

function ofIpv4(packet: Packet, at: number): Segment | undefined {
  const { bytes } = packet;
  if (bytes.length - at < 20) return undefined;
  const header = (bytes[at]! & 15) * 4;
  const total = u16be(bytes, at + 2);
  // More fragments, or not the first one.
  if ((u16be(bytes, at + 6) & 0x3fff) !== 0) return undefined;
  const [from, to] = [ipv4(bytes, at + 12), ipv4(bytes, at + 16)];
  // 0: the network card splits it later, and sets the length then.
  const end = total === 0 ? at + packet.length : at + total;
  return ofTransport(packet, { protocol: bytes[at + 9]!, start: at + header, end, from, to });
}

/** IPv6 headers with a length: hop by hop, routing, destination. */
const EXTENSIONS: readonly number[] = [0, 43, 60];

function ofIpv6(packet: Packet, at: number): Segment | undefined {
  const { bytes } = packet;
  if (bytes.length - at < 40) return undefined;
  const end = at + 40 + u16be(bytes, at + 4);
  let protocol = bytes[at + 6]!;
  let start = at + 40;
  while (EXTENSIONS.includes(protocol) && start + 2 <= bytes.length) {
    protocol = bytes[start]!;
    start += 8 + bytes[start + 1]! * 8;
  }
  const [from, to] = [`[${ipv6(bytes, at + 8)}]`, `[${ipv6(bytes, at + 24)}]`];
  return ofTransport(packet, { protocol, start, end, from, to });
}

interface Transport {
  readonly protocol: number;
  readonly start: number;
  /** End of its data on the wire. */
  readonly end: number;
  readonly from: string;
  readonly to: string;
}

function ofTransport(
  { bytes, time }: Packet,
  { protocol, start, end, from, to }: Transport,
): Segment | undefined {
  const isTcp = protocol === TCP;
  if ((!isTcp && protocol !== UDP) || start + (isTcp ? 20 : 8) > bytes.length) return undefined;
  const [fromPort, toPort] = [u16be(bytes, start), u16be(bytes, start + 2)];
  const flags = isTcp ? bytes[start + 13]! : 0;
  const dataStart = start + (isTcp ? (bytes[start + 12]! >> 4) * 4 : 8);
  // Short Ethernet frames are padded, long packets may be truncated.
  const stop = Math.max(dataStart, Math.min(end, bytes.length));
  return {
    kind: isTcp ? "tcp" : "udp",
    time,
    from: `${from}:${fromPort}`,
    to: `${to}:${toPort}`,
    fromPort,
    toPort,
    sequence: isTcp ? u32be(bytes, start + 4) : 0,
    acknowledged: (flags & 16) !== 0 ? u32be(bytes, start + 8) : undefined,
    syn: (flags & 2) !== 0,
    fin: (flags & 1) !== 0,
    reset: (flags & 4) !== 0,
    data: bytes.subarray(dataStart, stop),
    cut: Math.max(0, end - stop),
  };
}

const ipv4 = (bytes: Uint8Array, at: number): string => bytes.subarray(at, at + 4).join(".");

/** Formats an address as in RFC 5952: `::` replaces the longest run of zeros. */
function ipv6(bytes: Uint8Array, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => u16be(bytes, at + 2 * i).toString(16));
  let [start, length] = [0, 1];
  for (let i = 0; i < 8; i++) {
    const other = groups.findIndex((group, n) => n >= i && group !== "0");
    const run = (other < 0 ? 8 : other) - i;
    if (run > length) [start, length] = [i, run];
  }
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}
