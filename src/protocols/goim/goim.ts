import {
  checkInteger,
  checkOptions,
  i32be,
  type Output,
  type Protocol,
  ProtocolError,
  withHint,
} from "../../core/index.ts";
import { frameLimit } from "../../framing/index.ts";
import { operations } from "./operations.ts";
import {
  HEADER,
  LARGEST,
  type Packet,
  type PacketToSend,
  packetEnd,
  packetLength,
  readPacket,
  tooLong,
  writePacket,
} from "./packet.ts";
import { isBatch, readBatch, readMessage } from "./read-batch.ts";
import { checkSide } from "./side.ts";

/** Options for {@link goim}. */
export interface GoimOptions {
  /**
   * Largest packet in bytes, its header of 16 included; for reading and writing. The servers read
   * up to 1040 (v1) or 4112 (v2), and send more than that.
   * @defaultValue 1 MiB
   */
  readonly maxFrame?: number | undefined;

  /**
   * Largest body to write, in bytes; reading is not affected. In a client, set what its server
   * reads: 1024 for v1, 4096 for v2.
   * @defaultValue as `maxFrame` allows
   */
  readonly maxSendBody?: number | undefined;

  /**
   * Delivers the packets of a v2 batch (operation 9) instead of the batch. Not for v1, in which
   * operation 9 is something else.
   * @defaultValue false
   */
  readonly flatten?: boolean | undefined;

  /**
   * Copies each body, so a small body does not keep its whole chunk in memory. Without it, bodies
   * are views into memory that is never reused.
   * @defaultValue false
   */
  readonly copy?: boolean | undefined;

  /**
   * This side, for transports with message boundaries (WebSocket). A client's message holds exactly
   * one packet: `'server'` refuses anything else. A server's message may hold several, which
   * `'client'` accepts.
   * @defaultValue `'client'`
   */
  readonly side?: "client" | "server" | undefined;
}

/**
 * The binary packet of goim: on TCP in all versions, and on binary WebSocket since 2018 (the last
 * v1, and v2). All integers are big-endian and signed.
 *
 * ```text
 *   0          4           6      8      12     16        packLen
 *   | packLen  | headerLen | ver  | op   | seq  | body ...|
 *     i32        i16 = 16    i16    i32    i32
 *
 *   heartbeat, seq 1:           00000010 0010 0001 00000002 00000001
 *   its reply, 12345 online:    00000014 0010 0001 00000003 00000001 00003039
 * ```
 *
 * `packLen` counts the whole packet. A `packLen` below 16 is `malformed`, one above `maxFrame` is
 * `too-long`, a `headerLen` other than 16 is `malformed`, and a message that ends inside a packet
 * is `truncated`. The Go reader is less strict: it takes a length of 0 to 15 (on TCP also a
 * negative one) as a packet without body, and on WebSocket accepts one beyond the message.
 *
 * On WebSocket a server's message may hold several packets. Each is delivered on its own; if one is
 * malformed, none is delivered.
 *
 * Format: github.com/Terry-Mao/goim, api/protocol/protocol.go (v2), libs/proto/proto.go (v1).
 *
 * @example
 * ```ts
 * import { decodeFrame, encodeFrame } from "framewright";
 * import { goim, operations } from "framewright/goim";
 *
 * const protocol = goim({ maxSendBody: 4096 });
 * const frame = encodeFrame(protocol, { op: operations.v2.heartbeat, seq: 1 });
 * console.log(frame.join(" "));
 * //=> 0 0 0 16 0 16 0 1 0 0 0 2 0 0 0 1
 * const { ver, op, seq, body } = decodeFrame(protocol, frame);
 * console.log(ver, op, seq, body.length);
 * //=> 1 2 1 0
 * ```
 *
 * @throws RangeError if a limit is not an integer, `maxFrame` is below 16, or `flatten` is set with
 *   side `'server'`
 */
export function goim(options: GoimOptions = {}): Protocol<PacketToSend, Packet> {
  checkOptions("goim", options, ["maxFrame", "maxSendBody", "flatten", "copy", "side"]);
  const { flatten = false, copy = false, side } = options;
  checkSide(side);
  const maxFrame = frameLimit(options.maxFrame, HEADER, LARGEST);
  const { maxSendBody } = options;
  if (maxSendBody !== undefined) checkInteger("maxSendBody", maxSendBody, 0);
  const maxSend = maxSendBody === undefined ? undefined : Math.min(HEADER + maxSendBody, maxFrame);
  if (flatten && side === "server") throw new RangeError("clients send no batches to flatten");
  const reading = { maxFrame, copy, flatten };

  const protocol: Protocol<PacketToSend, Packet> = {
    name: "goim",
    format: { name: "goim", batch: operations.v2.raw },
    maxFrame,
    maxSend,
    measure: (bytes, start, end) => packetLength(bytes, start, end, maxFrame),
    tooLong,
    hint: withHint,
    decode(bytes, start, end) {
      const stop = packetEnd(bytes, start, end, maxFrame, "message");
      if (stop < end) {
        const text = `${end - stop} bytes after a packet of ${stop - start}`;
        throw new ProtocolError("malformed", text, stop);
      }
      if (flatten && isBatch(bytes, start)) return only(readMessage(bytes, start, end, reading));
      return readPacket(bytes, start, end, copy);
    },
    encode(packet, out) {
      const start = out.length;
      writePacket(packet, out);
      // It would be read as a batch, so it must be one.
      if (flatten) checkBatch(out, start);
    },
  };
  if (side === "server") return Object.freeze(protocol);
  return Object.freeze<Protocol<PacketToSend, Packet>>({
    ...protocol,
    decodeMany: (bytes, start, end) => readMessage(bytes, start, end, reading),
  });
}

function only(packets: readonly Packet[]): Packet {
  if (packets.length === 1) return packets[0]!;
  throw new ProtocolError("malformed", `batch holds ${packets.length} packets, not 1`);
}

function checkBatch(out: Output, start: number): void {
  const bytes = out.view(start);
  if (isBatch(bytes, 0)) readBatch(bytes, HEADER, i32be(bytes, 0));
}
