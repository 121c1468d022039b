import { encodeAll, ProtocolError } from "../../core/index.ts";
import { goim } from "./goim.ts";
import { operations } from "./operations.ts";
import { LARGEST, type Packet, type PacketToSend, VERSION } from "./packet.ts";
import { readBatch } from "./read-batch.ts";

// A batch is bounded where it is sent, by the limit of that protocol.
const packet = goim({ maxFrame: LARGEST });

/**
 * Puts packets into one, as a v2 server pushes them over WebSocket: operation 9, whose body is the packets one
 * after the other. A v2 server wraps a single push too.
 *
 * ```text
 *   0000003e 0010 0001 00000009 00000000                   op 9, seq 0, 62 bytes in all
 *     00000017 0010 0001 000003e8 00000000 7b226e223a307d  op 1000, {"n":0}
 *     00000017 0010 0001 000003e9 00000000 7b226e223a317d  op 1001, {"n":1}
 * ```
 *
 * On TCP and in v1 packets simply follow each other: `encodeAll(goim(), packets)`.
 *
 * @throws ProtocolError `unencodable` when one of them cannot be written
 */
export function batch(packets: Iterable<PacketToSend>): Packet {
  return { ver: VERSION, op: operations.v2.raw, seq: 0, body: encodeAll(packet, packets) };
}

/**
 * The packets in a batch (v2: operation 9), their bodies views of its body. Only one level: the server never
 * nests, so a batch within the batch is given as it is.
 *
 * @throws ProtocolError `malformed` for another operation; `malformed` or `truncated`, for all of the batch, when a
 *   packet in it is. Offsets count in the body
 */
export function unbatch({ op, body }: Packet): Packet[] {
  if (op !== operations.v2.raw) {
    const text = `operation ${op} is no batch, which is ${operations.v2.raw}`;
    throw new ProtocolError("malformed", text);
  }
  return readBatch(body, 0, body.length);
}
