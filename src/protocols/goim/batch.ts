import { encodeAll, ProtocolError } from "../../core/index.ts";
import { goim } from "./goim.ts";
import { operations } from "./operations.ts";
import { LARGEST, type Packet, type PacketToSend, VERSION } from "./packet.ts";
import { readBatch } from "./read-batch.ts";

// The protocol that sends a batch bounds it with its own limit.
const packet = goim({ maxFrame: LARGEST });

/**
 * Combines packets into one batch, as a v2 server pushes them over WebSocket: operation 9, with the
 * packets one after the other as its body. A v2 server wraps a single push too.
 *
 * ```text
 *   0000003e 0010 0001 00000009 00000000                   op 9, seq 0, 62 bytes in all
 *     00000017 0010 0001 000003e8 00000000 7b226e223a307d  op 1000, {"n":0}
 *     00000017 0010 0001 000003e9 00000000 7b226e223a317d  op 1001, {"n":1}
 * ```
 *
 * On TCP and in v1 packets simply follow each other: `encodeAll(goim(), packets)`.
 *
 * @throws ProtocolError `unencodable` if one of them cannot be written
 */
export function batch(packets: Iterable<PacketToSend>): Packet {
  return { ver: VERSION, op: operations.v2.raw, seq: 0, body: encodeAll(packet, packets) };
}

/**
 * Returns the packets in a batch (v2: operation 9). Their bodies are views of the batch's body. It
 * opens one level only, because the server never nests: a batch in the batch is returned as a
 * packet.
 *
 * @throws ProtocolError `malformed` for another operation; `malformed` or `truncated` for the whole
 *   batch if one packet in it is. Offsets count from the start of the body
 */
export function unbatch({ op, body }: Packet): Packet[] {
  if (op !== operations.v2.raw) {
    const text = `operation ${op} is not a batch, which is ${operations.v2.raw}`;
    throw new ProtocolError("malformed", text);
  }
  return readBatch(body, 0, body.length);
}
