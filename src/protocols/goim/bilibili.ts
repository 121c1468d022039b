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

// `ver` of an operation 5: how its body is compressed.
const PLAIN = 0;
const ZLIB = 2;
const BROTLI = 3;

/**
 * Header fields of every packet of Bilibili's live chat. Both default to 1; `ver` of a message to
 * 0.
 */
export interface BilibiliEnvelope {
  /** Compression of a message's body: 0 none, 2 zlib, 3 brotli. Has no meaning in other packets. */
  readonly ver?: number | undefined;
  /** Clients send 1, servers 0 or 1. It does not match replies to requests. */
  readonly seq?: number | undefined;
}

/**
 * A packet of Bilibili's live chat. By `type`:
 *
 * - `heartbeat` (operation 2), client: every 30 s; sent without a body
 * - `popularity` (3), server: the reply to a heartbeat, an unsigned 32-bit integer
 * - `message` (5), server: JSON with a member `cmd`
 * - `auth` (7), client: JSON, at least `{ "roomid": 22608112 }`; text and bytes are written
 *   unchanged (the `auth_body` of Bilibili's open platform is such a text)
 * - `welcome` (8), server: JSON such as `{"code":0}`, -101 for a bad token; undefined from older
 *   servers
 * - `unknown`: another operation, or a message with an unknown `ver`; its body as bytes
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
 * Decompresses a zlib stream (RFC 1950) or a brotli stream. Must return the bytes, not a promise.
 *
 * @param method - format of the stream
 * @param bytes - the stream
 * @param maxLength - largest result in bytes; stop there, because a few bytes can decompress to
 *   gigabytes
 */
export type Inflate = (
  method: "zlib" | "brotli",
  bytes: Uint8Array,
  maxLength: number,
) => Uint8Array;

/** Options for {@link bilibili}. */
export interface BilibiliOptions {
  /** Decompresses messages; see {@link Inflate}. */
  readonly inflate: Inflate;

  /**
   * Largest packet on the wire in bytes, header included; for reading and writing.
   * @defaultValue 1 MiB
   */
  readonly maxFrame?: number | undefined;

  /**
   * Limit in bytes for all decompressed bodies of one frame (or one WebSocket message) together.
   * @defaultValue 8 MiB
   */
  readonly maxInflated?: number | undefined;

  /**
   * Called with the error if a packet's body cannot be read. The packet is skipped; the others of
   * its frame are delivered.
   * @defaultValue none: such a packet makes its whole frame `malformed`
   */
  readonly skipped?: ((error: ProtocolError) => unknown) | undefined;
}

const text = json();

/**
 * The protocol of Bilibili's live chat: goim's packet, with a body that is compressed if `ver` is 2
 * or 3.
 *
 * ```text
 *   00000014 0010 0000 00000003 00000000 000576b5    popularity 358069
 *   00000034 0010 0002 00000005 00000000 789c63...   zlib of two packets:
 *     0000001b 0010 0000 00000005 00000000 {"cmd":"A"}
 *     0000001b 0010 0000 00000005 00000000 {"cmd":"B"}
 * ```
 *
 * Each packet is delivered on its own, compressed or not. Empty messages are skipped. Compressed
 * packets inside compressed packets are `malformed`. After a heartbeat's reply the server appends
 * the body of the client's heartbeat, which the header does not count. So heartbeats are written
 * without a body, and bytes after such a reply in a WebSocket message are dropped.
 *
 * For mocks it also writes what the server sends, uncompressed; a `ver` of 2 or 3 is `unencodable`.
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
 * @throws RangeError if a limit is not a positive integer
 */
export function bilibili(options: BilibiliOptions): Protocol<BilibiliPacket> {
  checkOptions("bilibili", options, ["inflate", "maxFrame", "maxInflated", "skipped"]);
  const { inflate, skipped } = options;
  if (typeof inflate !== "function") throw new TypeError("bilibili needs the option inflate");
  const maxFrame = frameLimit(options.maxFrame, HEADER, LARGEST);
  const { maxInflated = 8 * 1024 * 1024 } = options;
  checkInteger("maxInflated", maxInflated, 1);

  /** Reads one packet, or reports the error to `skipped`. */
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

  /** Reads all packets of a frame or message. */
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
      // The body of the client's heartbeat, which the server appends to its reply.
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
    const text = `${body.length} bytes are not a ${method} stream of at most ${room} bytes`;
    throw new ProtocolError(isTooLong ? "too-long" : "malformed", text, at, { cause });
  }
  // Most likely a promise: a mistake of the caller, not of the peer.
  if (!isBytes(given)) throw new TypeError("inflate must return a Uint8Array, not a promise");
  const bytes = plain(given);
  if (bytes.length <= room) return bytes;
  // `inflate` should keep the limit, but might not.
  const text = `${method} stream unpacks to ${bytes.length} bytes, ${room} are left of maxInflated`;
  throw new ProtocolError("too-long", text, at);
}

/** Adds the packets of one compressed body. Offsets in it mean nothing to the caller. */
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

/** Writes an object as JSON. Refuses a Date or a String, which would become a JSON string. */
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
  // Says nothing, whatever its `ver`.
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
    // It would be written unchanged, and was most likely encoded twice.
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
