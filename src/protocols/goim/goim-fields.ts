import {
  bytes,
  constant,
  type Field,
  i16be,
  i32be,
  size,
  struct,
  whole,
  withDefault,
} from "../../fields/index.ts";
import { HEADER, type Packet, type PacketToSend, VERSION } from "./packet.ts";

/**
 * Describes goim's packet, for tools: `explain`, `picture`, `valuesOf`, `compatible`. It reads and
 * writes the same bytes as {@link goim}, which is faster and has options.
 *
 * ```text
 * 0                    4                         6           8          12          16
 * | packetLength i32be | headerLength i16be = 16 | ver i16be | op i32be | seq i32be | body bytes |
 * ```
 *
 * @example
 * ```ts
 * import { goimFields } from "framewright/goim";
 * import { explain, hexView } from "framewright/inspect";
 *
 * const heartbeat = Uint8Array.of(0, 0, 0, 16, 0, 16, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1);
 * console.log(hexView(explain(goimFields(), heartbeat), heartbeat));
 * //=> 0000  00 00 00 10  packetLength  i32be  16  (bytes of the whole struct)
 * //=> 0004  00 10        headerLength  i16be  16  (always)
 * //=> 0006  00 01        ver           i16be  1
 * //=> 0008  00 00 00 02  op            i32be  2
 * //=> 000c  00 00 00 01  seq           i32be  1
 * //=> 0010               body          bytes  0 bytes
 * ```
 */
export function goimFields(): Field<PacketToSend, Packet> {
  return struct({
    packetLength: size(i32be, whole),
    headerLength: constant(i16be, HEADER),
    ver: withDefault(i16be, VERSION),
    op: i32be,
    seq: withDefault(i32be, 0),
    body: withDefault(bytes(), new Uint8Array(0)),
  });
}
