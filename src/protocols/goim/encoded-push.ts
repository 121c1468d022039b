import { encodeAll, encodeFrame, ProtocolError } from "../../core/index.ts";
import { batch } from "./batch.ts";
import type { SessionProtocol } from "./client-options.ts";
import type { Dialect } from "./dialect.ts";
import type { JsonProtocol } from "./json.ts";
import type { PacketToSend } from "./packet.ts";

type Frames = readonly Uint8Array<ArrayBuffer>[];

/**
 * Packets that are sent to many, encoded once for each kind of transport, when the first one needs it.
 *
 * ```text
 *                 stream                          messages
 *   v2            packets one after the other     one message: operation 9 with the packets in it
 *   v1, binary    packets one after the other     one message: packets one after the other
 *   v1, JSON      -                               an array in one message (v1.2), or a message each
 * ```
 */
export class EncodedPush<Body> {
  readonly #protocol: SessionProtocol<Body>;
  readonly #dialect: Dialect;
  readonly #packets: readonly PacketToSend<Body>[];
  readonly #frames: { stream?: Frames; message?: Frames } = {};

  constructor(
    protocol: SessionProtocol<Body>,
    dialect: Dialect,
    packets: readonly PacketToSend<Body>[],
  ) {
    this.#protocol = protocol;
    this.#dialect = dialect;
    this.#packets = packets;
  }

  /** The frames for a transport of this kind; no packets are no frames. */
  frames(boundary: "stream" | "message"): Frames {
    let frames = this.#frames[boundary];
    if (frames === undefined) {
      frames = this.#packets.length === 0 ? [] : this.#encoded(boundary);
      this.#frames[boundary] = frames;
    }
    return frames;
  }

  #encoded(boundary: "stream" | "message"): Frames {
    const protocol = this.#protocol;
    const packets = this.#packets;
    if (protocol.text === true) {
      // Which of the two it is, only the protocol knows.
      const json = protocol as JsonProtocol<Body>;
      if (json.batches && packets.length > 1) return [encodeFrame(json, packets)];
      return packets.map((packet) => encodeFrame(json, packet));
    }
    if (this.#dialect === "v2" && boundary === "message") {
      const outer = batch(packets as readonly PacketToSend<Uint8Array>[]);
      return [encodeFrame(protocol, outer as PacketToSend<Body>)];
    }
    const all = encodeAll(protocol, packets);
    const { maxFrame } = protocol;
    // On a stream each packet is a frame; the reader of a message has a limit for all of it.
    if (boundary === "message" && all.length > maxFrame) {
      const text = `message of ${all.length} bytes exceeds maxFrame ${maxFrame}`;
      throw new ProtocolError("unencodable", text);
    }
    return [all];
  }
}
