// Captures made by hand: packets of TCP and UDP in any link layer, as pcap or pcapng.

export interface Said {
  readonly from: "client" | "server";
  readonly sequence: number;
  readonly data?: Uint8Array | string;
  readonly flags?: string;
  readonly time?: number;
  /** Ports and addresses, if they are others. */
  readonly port?: number;
}

type LinkLayer = "ethernet" | "vlan" | "loopback" | "cooked" | "cooked2" | "raw";
const LINK_TYPES = { ethernet: 1, vlan: 1, loopback: 0, cooked: 113, cooked2: 276, raw: 101 };

const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16 };
const SERVER_PORT = 3101;

const bytesOf = (data: Uint8Array | string = ""): Buffer => Buffer.from(data as string);

function tcp({ from, sequence, data, flags = "PA", port = 50_000 }: Said): Buffer {
  const header = Buffer.alloc(24);
  const ports = from === "client" ? [port, SERVER_PORT] : [SERVER_PORT, port];
  header.writeUInt16BE(ports[0]!, 0);
  header.writeUInt16BE(ports[1]!, 2);
  header.writeUInt32BE(sequence >>> 0, 4);
  header.writeUInt32BE(1, 8);
  header[12] = 6 << 4; // with four bytes of options
  header[13] = [...flags].reduce((all, flag) => all | FLAGS[flag]!, 0);
  header.writeUInt16BE(65_535, 14);
  header.set([1, 1, 1, 0], 20);
  return Buffer.concat([header, bytesOf(data)]);
}

function udp({ from, data, port = 50_000 }: Said): Buffer {
  const header = Buffer.alloc(8);
  const ports = from === "client" ? [port, SERVER_PORT] : [SERVER_PORT, port];
  header.writeUInt16BE(ports[0]!, 0);
  header.writeUInt16BE(ports[1]!, 2);
  header.writeUInt16BE(8 + bytesOf(data).length, 4);
  return Buffer.concat([header, bytesOf(data)]);
}

function ip(payload: Buffer, said: Said, version: 4 | 6, protocol: number): Buffer {
  const isClient = said.from === "client";
  if (version === 4) {
    const header = Buffer.alloc(20);
    header[0] = 0x45;
    header.writeUInt16BE(20 + payload.length, 2);
    header[8] = 64;
    header[9] = protocol;
    header.set([10, 0, 0, isClient ? 1 : 2], 12);
    header.set([10, 0, 0, isClient ? 2 : 1], 16);
    return Buffer.concat([header, payload]);
  }
  const header = Buffer.alloc(48);
  header[0] = 0x60;
  header.writeUInt16BE(payload.length + 8, 4);
  header[6] = 60; // destination options, then TCP
  header[7] = 64;
  header.set([0x20, 0x01, 0x0d, 0xb8], 8);
  header[23] = isClient ? 1 : 2;
  header.set([0x20, 0x01, 0x0d, 0xb8], 24);
  header[39] = isClient ? 2 : 1;
  header.set([protocol, 0, 1, 4, 0, 0, 0, 0], 40);
  return Buffer.concat([header, payload]);
}

function linked(packet: Buffer, layer: LinkLayer): Buffer {
  const type = packet[0]! >> 4 === 4 ? [0x08, 0x00] : [0x86, 0xdd];
  switch (layer) {
    case "ethernet": {
      const frame = Buffer.concat([Buffer.alloc(12, 2), Buffer.from(type), packet]);
      return frame.length < 60
        ? Buffer.concat([frame, Buffer.alloc(60 - frame.length, 0x55)])
        : frame;
    }
    case "vlan":
      return Buffer.concat([Buffer.alloc(12, 2), Buffer.from([0x81, 0, 0, 7, ...type]), packet]);
    case "loopback":
      return Buffer.concat([Buffer.from([type[0] === 8 ? 2 : 30, 0, 0, 0]), packet]);
    case "cooked":
      return Buffer.concat([Buffer.alloc(14), Buffer.from(type), packet]);
    case "cooked2":
      return Buffer.concat([Buffer.from(type), Buffer.alloc(18), packet]);
    default:
      return packet;
  }
}

export interface CaptureForm {
  readonly layer?: LinkLayer;
  readonly version?: 4 | 6;
  readonly format?: "little" | "big" | "nanoseconds" | "pcapng";
  readonly transport?: "tcp" | "udp";
}

/** A capture of what was said. */
export function captureOf(all: readonly Said[], form: CaptureForm = {}): Uint8Array {
  const { layer = "ethernet", version = 4, format = "little", transport = "tcp" } = form;
  const packets = all.map((said, n) => {
    const payload = transport === "tcp" ? tcp(said) : udp(said);
    const packet = ip(payload, said, version, transport === "tcp" ? 6 : 17);
    return { time: said.time ?? 1_700_000_000 + n, bytes: linked(packet, layer) };
  });
  const isBig = format === "big";
  const u32 = (...values: number[]): Buffer => {
    const out = Buffer.alloc(4 * values.length);
    values.forEach((value, n) => {
      if (isBig) out.writeUInt32BE(value >>> 0, 4 * n);
      else out.writeUInt32LE(value >>> 0, 4 * n);
    });
    return out;
  };
  if (format !== "pcapng") {
    const isNano = format === "nanoseconds";
    const head = u32(
      isNano ? 0xa1b23c4d : 0xa1b2c3d4,
      isBig ? 0x0002_0004 : 0x0004_0002,
      0,
      0,
      65_535,
      LINK_TYPES[layer],
    );
    const unit = isNano ? 1e9 : 1e6;
    const records = packets.flatMap(({ time, bytes }) => [
      u32(Math.floor(time), Math.round((time % 1) * unit), bytes.length, bytes.length),
      bytes,
    ]);
    return new Uint8Array(Buffer.concat([head, ...records]));
  }
  const block = (type: number, body: Buffer): Buffer => {
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    return Buffer.concat([u32(type, padded.length + 12), padded, u32(padded.length + 12)]);
  };
  // An interface with nanoseconds, and a block that no one knows.
  const option = Buffer.from([9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
  return new Uint8Array(
    Buffer.concat([
      block(0x0a0d0d0a, u32(0x1a2b3c4d, 1, 0xffff_ffff, 0xffff_ffff)),
      block(1, Buffer.concat([u32(LINK_TYPES[layer], 0), option])),
      block(0x0bad, Buffer.from("whatever")),
      ...packets.map(({ time, bytes }) => {
        const ticks = BigInt(Math.round(time * 1e6)) * 1000n;
        const head = u32(
          0,
          Number(ticks >> 32n),
          Number(ticks & 0xffff_ffffn),
          bytes.length,
          bytes.length,
        );
        return block(6, Buffer.concat([head, bytes]));
      }),
    ]),
  );
}
