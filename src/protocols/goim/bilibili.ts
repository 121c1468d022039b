import {
  checkInteger,
  checkOptions,
  isBytes,
  json,
  type Output,
  type Protocol,
  ProtocolError,
  plain,
  u32be,
  withHint,
} from "../../core/index.ts";
import { frameLimit } from "../../framing/index.ts";
import { operations } from "./operations.ts";
import {
  HEADER,
  LARGEST,
  type Packet,
  packetEnd,
  packetLength,
  readPacket,
  tooLong,
  VERSION,
  writePacket,
} from "./packet.ts";

const QUOTE = 0x22;

const { heartbeat, heartbeatReply, message, auth, authReply } = operations.bilibili;

// `ver` of an operation 5: how its body is packed.
const PLAIN = 0;
const ZLIB = 2;
const BROTLI = 3;

/** Members of every packet of Bilibili's live chat. `seq` is 1 if it is not given, and so is `ver`, save 0 of a message. */
export interface BilibiliEnvelope {
  /** How the body of a message is packed: 0 plain, 2 zlib, 3 brotli; elsewhere of no meaning. */
  readonly ver?: number | undefined;
  /** Clients send 1, servers 0 or 1; nothing is correlated by it. */
  readonly seq?: number | undefined;
}

/**
 * A packet of Bilibili's live chat, by `type`:
 *
 * - `heartbeat` (operation 2), client: every 30 s; sent without a body
 * - `popularity` (3), server: the answer to a heartbeat, an unsigned 32-bit integer
 * - `message` (5), server: JSON with a member `cmd`
 * - `auth` (7), client: JSON, at least `{ "roomid": 22608112 }`; text and bytes are written as they are (the `auth_body` of
 *   Bilibili's open platform is such a text)
 * - `welcome` (8), server: JSON such as `{"code":0}`, -101 for a bad token; undefined from older servers
 * - `unknown`: another operation, or a message whose `ver` nobody knows; its body as bytes
 */
export type BilibiliPacket =
  | (BilibiliEnvelope & { readonly type: "heartbeat" })
  | (BilibiliEnvelope & { readonly type: "popularity"; readonly popularity: number })
  | (BilibiliEnvelope & { readonly type: "message"; readonly body: unknown })
  | (BilibiliEnvelope & { readonly type: "auth"; readonly body: unknown })
  | (BilibiliEnvelope & { readonly type: "welcome"; readonly body: unknown })
  | (BilibiliEnvelope & {
      readonly type: "unknown";
      readonly op: number;
      readonly body: Uint8Array;
    });

/**
 * Unpacks a zlib stream (RFC 1950) or a brotli stream, at once.
 *
 * @param method - which one
 * @param bytes - the stream
 * @param maxLength - give up where the result would be longer: a few bytes can unpack to gigabytes
 */
export type Inflate = (
  method: "zlib" | "brotli",
  bytes: Uint8Array,
  maxLength: number,
) => Uint8Array;

/** How Bilibili's packets are read and written. */
export interface BilibiliOptions {
  /** Unpacks compressed messages; see {@link Inflate}. */
  readonly inflate: Inflate;

  /**
   * Largest whole packet on the wire in bytes, its header included; reading and writing.
   * @defaultValue 1 MiB
   */
  readonly maxFrame?: number | undefined;

  /**
   * Largest number of bytes that all compressed bodies of one frame (or one WebSocket message) may unpack to.
   * @defaultValue 8 MiB
   */
  readonly maxInflated?: number | undefined;

  /**
   * Called with what is wrong with a packet whose body cannot be read; the packet is left out, and everything else of its
   * frame is delivered.
   * @defaultValue none: such a packet makes its whole frame `malformed`
   */
  readonly skipped?: ((error: ProtocolError) => unknown) | undefined;
}

const text = json();

/**
 * The live chat of Bilibili: the packet of goim, its body packed as `ver` says.
 *
 * ```text
 *   00000014 0010 0000 00000003 00000000 000576b5    popularity 358069
 *   00000034 0010 0002 00000005 00000000 789c63...   zlib of two packets:
 *     0000001b 0010 0000 00000005 00000000 {"cmd":"A"}
 *     0000001b 0010 0000 00000005 00000000 {"cmd":"B"}
 * ```
 *
 * Each packet is delivered on its own, whether it came packed or not; an empty message is none. Packed packets
 * within packed packets are `malformed`. A heartbeat's reply breaks the rule of the header: the server puts the
 * body of the client's heartbeat behind it. So heartbeats are written without one, and what stands behind such a
 * reply in a WebSocket message is dropped.
 *
 * What the server sends is written too, unpacked, for mocks; a `ver` of 2 or 3 is `unencodable`.
 *
 * Sources: xfgryujk/blivedm, simon300000/bilibili-live-ws, SocialSisterYi/bilibili-API-collect.
 *
 * @example
 * ```ts
 * import { brotliDecompressSync, inflateSync } from "node:zlib";
 * import { decodeAll, encodeFrame } from "framewright";
 * import { bilibili } from "framewright/goim";
 *
 * const protocol = bilibili({
 *   inflate: (method, bytes, maxOutputLength) =>
 *     method === "zlib"
 *       ? inflateSync(bytes, { maxOutputLength })
 *       : brotliDecompressSync(bytes, { maxOutputLength }),
 * });
 * const frame = encodeFrame(protocol, { type: "message", ver: 0, body: { cmd: "LIVE" } });
 * for (const packet of decodeAll(protocol, frame)) {
 *   if (packet.type === "message") console.log(packet.body);
 * }
 * //=> { cmd: 'LIVE' }
 * ```
 *
 * @throws RangeError when a limit is no positive integer
 */
export function bilibili(options: BilibiliOptions): Protocol<BilibiliPacket> {
  checkOptions("bilibili", options, ["inflate", "maxFrame", "maxInflated", "skipped"]);
  const { inflate, skipped } = options;
  if (typeof inflate !== "function") throw new TypeError("bilibili needs the option inflate");
  const maxFrame = frameLimit(options.maxFrame, HEADER, LARGEST);
  const { maxInflated = 8 * 1024 * 1024 } = options;
  checkInteger("maxInflated", maxInflated, 1);

  /** Reads one packet, or reports that it cannot be read. */
  const attempt = (read: () => void): void => {
    if (skipped === undefined) {
      read();
      return;
    }
    try {
      read();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      skipped(error);
    }
  };

  /** All packets of a frame or message. */
  const decodeMany = (bytes: Uint8Array, start: number, end: number): BilibiliPacket[] => {
    const packets: BilibiliPacket[] = [];
    let room = maxInflated;
    let at = start;
    do {
      const stop = packetEnd(bytes, at, end, maxFrame, "message");
      const packet = readPacket(bytes, at, stop, false);
      const method = methodOf(packet);
      const offset = at;
      attempt(() => {
        if (method === undefined) {
          add(packet, offset, packets);
        } else {
          const inner = inflated(inflate, method, packet.body, room, offset);
          room -= inner.length;
          unpack(inner, offset, packets, attempt);
        }
      });
      // What a server puts behind a heartbeat's reply is no packet.
      at = packet.op === heartbeatReply ? end : stop;
    } while (at < end);
    return packets;
  };

  return Object.freeze<Protocol<BilibiliPacket>>({
    name: "bilibili",
    format: { name: "bilibili", inflate, maxInflated, operations: operations.bilibili },
    maxFrame,
    measure: (bytes, start, end) => packetLength(bytes, start, end, maxFrame),
    tooLong,
    hint: withHint,
    decodeMany,
    decode(bytes, start, end) {
      const packets = decodeMany(bytes, start, end);
      if (packets.length === 1) return packets[0]!;
      throw new ProtocolError("malformed", `frame holds ${packets.length} packets, not 1`, start);
    },
    encode,
  });
}

function methodOf({ op, ver, body }: Packet): "zlib" | "brotli" | undefined {
  if (op !== message || body.length === 0) return undefined;
  return ver === ZLIB ? "zlib" : ver === BROTLI ? "brotli" : undefined;
}

function inflated(
  inflate: Inflate,
  method: "zlib" | "brotli",
  body: Uint8Array,
  room: number,
  at: number,
): Uint8Array {
  let given: unknown;
  try {
    given = inflate(method, body, room);
  } catch (cause) {
    const isTooLong = (cause as { code?: unknown } | null)?.code === "ERR_BUFFER_TOO_LARGE";
    const text = `${body.length} bytes are no ${method} stream of at most ${room} bytes`;
    throw new ProtocolError(isTooLong ? "too-long" : "malformed", text, at, { cause });
  }
  // A promise, most likely: that is not the peer's fault, and should not read like it.
  if (!isBytes(given)) throw new TypeError("inflate must return a Uint8Array, and at once");
  const bytes = plain(given);
  if (bytes.length <= room) return bytes;
  // The limit is the user's function's to keep; but it must not be only that.
  const text = `${method} stream unpacks to ${bytes.length} bytes, ${room} are left of maxInflated`;
  throw new ProtocolError("too-long", text, at);
}

/** Adds the packets that were packed together; offsets in them mean nothing outside. */
function unpack(
  bytes: Uint8Array,
  outer: number,
  packets: BilibiliPacket[],
  attempt: (read: () => void) => void,
): void {
  const inside = (read: () => void): void => {
    try {
      read();
    } catch (error) {
      const { message: text } = error as Error;
      throw new ProtocolError("malformed", `in a packed body: ${text}`, outer, { cause: error });
    }
  };
  for (let at = 0; at < bytes.length; ) {
    let stop = bytes.length;
    inside(() => {
      stop = packetEnd(bytes, at, bytes.length, LARGEST, "packed body");
    });
    attempt(() => {
      inside(() => {
        const packet = readPacket(bytes, at, stop, false);
        if (methodOf(packet) !== undefined) {
          throw new ProtocolError("malformed", "packed packets within packed packets");
        }
        add(packet, at, packets);
      });
    });
    at = stop;
  }
}

/** Writes JSON that is read back: a Date or a String would become a JSON string. */
function encodeObject(body: unknown, out: Output): void {
  const start = out.length;
  text.encode(body, out);
  out.examine(start, (bytes, at) => {
    if (bytes[at] === QUOTE) {
      throw new ProtocolError("unencodable", "body of auth: an object that is written as a string");
    }
  });
}

function add({ ver, op, seq, body }: Packet, at: number, packets: BilibiliPacket[]): void {
  const length = body.length;
  // Whatever its `ver`, it says nothing.
  if (op === message && length === 0) return;
  if (op === heartbeatReply) {
    if (length < 4) {
      throw new ProtocolError("malformed", `popularity of ${length} bytes, not 4`, at);
    }
    packets.push({ type: "popularity", ver, seq, popularity: u32be(body, 0) });
  } else if (op === message && ver >= PLAIN && ver <= VERSION) {
    packets.push({ type: "message", ver, seq, body: parsed(body, at) });
  } else if (op === auth) {
    const sent = parsed(body, at);
    // It would be written as it is, and most likely was encoded twice.
    if (typeof sent === "string") throw new ProtocolError("malformed", "auth is a JSON string", at);
    packets.push({ type: "auth", ver, seq, body: sent });
  } else if (op === authReply) {
    const reply = length > 0 ? parsed(body, at) : undefined;
    packets.push({ type: "welcome", ver, seq, body: reply });
  } else if (op === heartbeat) {
    packets.push({ type: "heartbeat", ver, seq });
  } else {
    packets.push({ type: "unknown", ver, op, seq, body });
  }
}

function parsed(body: Uint8Array, at: number): unknown {
  try {
    return text.decode(body, 0, body.length);
  } catch (cause) {
    throw new ProtocolError("malformed", `json: ${(cause as Error).message}`, at, { cause });
  }
}

function encode(packet: BilibiliPacket, out: Output): void {
  const { type, ver = type === "message" ? PLAIN : VERSION, seq = VERSION } = packet;
  const start = out.length;
  const begin = (op: number): Output => {
    writePacket({ ver, op, seq }, out);
    return out;
  };
  switch (type) {
    case "heartbeat":
      begin(heartbeat);
      break;
    case "popularity":
      begin(heartbeatReply).u32be(packet.popularity);
      break;
    case "message":
      if (ver < PLAIN || ver > VERSION) throw unwritable(`message of version ${ver}`);
      text.encode(packet.body, begin(message));
      break;
    case "auth":
      if (typeof packet.body === "string") begin(auth).utf8(packet.body);
      else if (isBytes(packet.body)) begin(auth).bytes(packet.body);
      else encodeObject(packet.body, begin(auth));
      break;
    case "welcome":
      begin(authReply);
      if (packet.body !== undefined) text.encode(packet.body, out);
      break;
    case "unknown":
      if (isKnown(packet.op, ver)) throw unwritable(`operation ${packet.op} as an unknown one`);
      if (packet.op === message && packet.body.length === 0) throw unwritable("empty message");
      begin(packet.op).bytes(packet.body);
      break;
    default:
      throw unwritable(`packet of type ${String(type)}`);
  }
  out.patch(start, 4, out.length - start);
}

function isKnown(op: number, ver: number): boolean {
  if (op === message) return ver >= PLAIN && ver <= BROTLI;
  return op === heartbeat || op === heartbeatReply || op === auth || op === authReply;
}

function unwritable(what: string): ProtocolError {
  return new ProtocolError("unencodable", `${what} cannot be written`);
}
