import { encodeAll, encodeFrame, ProtocolError } from "../../core/index.ts";
import type { SessionProtocol } from "./client-options.ts";
import type { Dialect } from "./dialect.ts";
import type { JsonProtocol } from "./json.ts";
import { operations } from "./operations.ts";
import { type PacketToSend, VERSION } from "./packet.ts";

/** Encoded packets, ready to be sent. */
export type Frames = readonly Uint8Array<ArrayBuffer>[];

/**
 * Packets for many clients. Each is encoded once, when the first client needs it.
 *
 * ```text
 *                 stream, and between comets     messages
 *   v2            packets one after the other     one message: operation 9 with the packets in it
 *   v1, binary    packets one after the other     one message: packets one after the other
 *   v1, JSON      an array in one message (v1.2), or a message each
 * ```
 */
export class EncodedPush<Body> {
  readonly #protocol: SessionProtocol<Body>;
  readonly #dialect: Dialect;
  readonly #encode: () => Frames;
  #plain: Frames | undefined;
  #messages: Frames | undefined;

  constructor(protocol: SessionProtocol<Body>, dialect: Dialect, encode: () => Frames) {
    this.#protocol = protocol;
    this.#dialect = dialect;
    this.#encode = encode;
  }

  /** Frames for a stream, and for other comets. Empty if there are no packets. */
  get plain(): Frames {
    this.#plain ??= this.#encode();
    return this.#plain;
  }

  /** Returns the frames for a transport of this kind. */
  frames(boundary: "stream" | "message"): Frames {
    if (boundary === "stream") return this.plain;
    this.#messages ??= this.#asMessages(this.plain);
    return this.#messages;
  }

  #asMessages(plain: Frames): Frames {
    const protocol = this.#protocol;
    const [body] = plain;
    if (protocol.text === true || body === undefined) return plain;
    if (this.#dialect === "v2") {
      const outer: PacketToSend = { ver: VERSION, op: operations.v2.raw, seq: 0, body };
      return [encodeFrame(protocol, outer as PacketToSend<unknown> as PacketToSend<Body>)];
    }
    const { maxFrame } = protocol;
    // On a stream each packet is a frame; for messages the reader limits the whole message.
    if (body.length > maxFrame) {
      const text = `message of ${body.length} bytes exceeds maxFrame ${maxFrame}`;
      throw new ProtocolError("unencodable", text);
    }
    return plain;
  }
}

/**
 * Encodes packets for {@link EncodedPush}.
 *
 * @throws ProtocolError `unencodable`
 */
export function encodePackets<Body>(
  protocol: SessionProtocol<Body>,
  packets: readonly PacketToSend<Body>[],
): Frames {
  if (packets.length === 0) return [];
  if (protocol.text !== true) return [encodeAll(protocol, packets)];
  // The type to use depends on the protocol.
  const json = protocol as JsonProtocol<Body>;
  if (json.batches && packets.length > 1) return [encodeFrame(json, packets)];
  return packets.map((packet) => encodeFrame(json, packet));
}
