/** One packet of a capture. */
export interface Packet {
  /** Seconds since 1970. */
  readonly time: number;
  /** Kind of the first header, as numbered in https://www.tcpdump.org/linktypes.html. */
  readonly link: number;
  /** Its captured part. */
  readonly bytes: Uint8Array;
  /** Length on the wire, in bytes. */
  readonly length: number;
}

/**
 * Iterates the packets of a capture: pcap in either byte order, with microseconds or nanoseconds,
 * and pcapng.
 *
 * @throws Error if it is in neither format, or is damaged
 */
export function* packetsOf(bytes: Uint8Array): Generator<Packet> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 4 && view.getUint32(0) === BLOCK_SECTION) yield* ofPcapng(bytes, view);
  else yield* ofPcap(bytes, view);
}

const bad = (what: string): Error => new Error(`framewright: the capture is damaged: ${what}`);

function* ofPcap(bytes: Uint8Array, view: DataView): Generator<Packet> {
  if (bytes.length < 24) throw bad("its header is cut off");
  const magic = view.getUint32(0);
  const isLittle = magic === 0xd4c3b2a1 || magic === 0x4d3cb2a1;
  const first = view.getUint32(0, isLittle);
  if (first !== 0xa1b2c3d4 && first !== 0xa1b23c4d) throw bad("it is neither pcap nor pcapng");
  const unit = first === 0xa1b23c4d ? 1e9 : 1e6;
  const link = view.getUint32(20, isLittle) & 0xffff;
  for (let at = 24; at < bytes.length; ) {
    if (at + 16 > bytes.length) throw bad(`the header of a packet at ${at} is cut off`);
    const captured = view.getUint32(at + 8, isLittle);
    const length = view.getUint32(at + 12, isLittle);
    const end = at + 16 + captured;
    if (end > bytes.length) throw bad(`the packet at ${at} is cut off`);
    const time = view.getUint32(at, isLittle) + view.getUint32(at + 4, isLittle) / unit;
    yield { time, link, bytes: bytes.subarray(at + 16, end), length };
    at = end;
  }
}

const BLOCK_SECTION = 0x0a0d0d0a;
const BLOCK_INTERFACE = 1;
const BLOCK_SIMPLE = 3;
const BLOCK_PACKET = 6;
const BYTE_ORDER = 0x1a2b3c4d;

interface Interface {
  readonly link: number;
  /** Units of its times per second. */
  readonly units: number;
  /** Maximum captured bytes of a packet; 0 for all. */
  readonly most: number;
}

function* ofPcapng(bytes: Uint8Array, view: DataView): Generator<Packet> {
  let isLittle = false;
  let interfaces: Interface[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 12 > bytes.length) throw bad(`the block at ${at} is cut off`);
    const type = view.getUint32(at, isLittle);
    // Reads the same in either byte order; the next field shows which one it is.
    if (type === BLOCK_SECTION) {
      isLittle = view.getUint32(at + 8) !== BYTE_ORDER;
      if (view.getUint32(at + 8, isLittle) !== BYTE_ORDER) throw bad("its byte order is unknown");
      interfaces = [];
    }
    const size = view.getUint32(at + 4, isLittle);
    if (size < 12 || size % 4 !== 0 || at + size > bytes.length)
      throw bad(`the block at ${at} is cut off`);
    const body = { start: at + 8, end: at + size - 4 };
    if (type === BLOCK_INTERFACE) interfaces.push(interfaceIn(view, body, isLittle));
    else if (type === BLOCK_PACKET) yield packetIn(bytes, view, body, isLittle, interfaces);
    else if (type === BLOCK_SIMPLE && interfaces[0] !== undefined) {
      const length = view.getUint32(body.start, isLittle);
      const { link, most } = interfaces[0];
      const captured = Math.min(length, most || length, body.end - body.start - 4);
      const start = body.start + 4;
      yield { time: 0, link, bytes: bytes.subarray(start, start + captured), length };
    }
    at += size;
  }
}

interface Extent {
  readonly start: number;
  readonly end: number;
}

const OPTION_END = 0;
const OPTION_RESOLUTION = 9;

function interfaceIn(view: DataView, { start, end }: Extent, isLittle: boolean): Interface {
  if (end - start < 8) throw bad("an interface is cut off");
  let units = 1e6;
  for (let at = start + 8; at + 4 <= end; ) {
    const code = view.getUint16(at, isLittle);
    const length = view.getUint16(at + 2, isLittle);
    if (code === OPTION_END) break;
    if (code === OPTION_RESOLUTION && length === 1 && at + 4 < end) {
      const resolution = view.getUint8(at + 4);
      units = resolution < 128 ? 10 ** resolution : 2 ** (resolution - 128);
    }
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return {
    link: view.getUint16(start, isLittle),
    units,
    most: view.getUint32(start + 4, isLittle),
  };
}

function packetIn(
  bytes: Uint8Array,
  view: DataView,
  { start, end }: Extent,
  isLittle: boolean,
  interfaces: readonly Interface[],
): Packet {
  if (end - start < 20) throw bad("a packet is cut off");
  const from = interfaces[view.getUint32(start, isLittle)];
  if (from === undefined) throw bad("a packet of an unknown interface");
  const ticks = view.getUint32(start + 4, isLittle) * 2 ** 32 + view.getUint32(start + 8, isLittle);
  const captured = view.getUint32(start + 12, isLittle);
  const length = view.getUint32(start + 16, isLittle);
  if (captured > end - start - 20) throw bad("a packet is longer than its block");
  const data = bytes.subarray(start + 20, start + 20 + captured);
  return { time: ticks / from.units, link: from.link, bytes: data, length };
}
