import {
  bytes,
  type Field,
  shown,
  size,
  struct,
  u8,
  u16be,
  u32be,
  whole,
  withDefault,
} from "../../fields/index.ts";
import type { GatewayHeader, GatewayPackage } from "./gateway.ts";

/** A package that {@link gatewayFields} writes: absent fields are 0 or empty, and `flag` is 1. */
export interface GatewayFieldsRequest extends Partial<Omit<GatewayHeader, "cmd">> {
  /** Command, u8: see `gatewayCommands`. */
  readonly cmd: number;
  /** Data for the worker. */
  readonly ext_data?: Uint8Array | undefined;
  /** The body as on the wire: a scalar if bit 0 of `flag` is set. */
  readonly body?: Uint8Array | undefined;
}

/**
 * Describes the packages of {@link gatewayProtocol}, for tools. `flag` is written unchanged, while
 * `gatewayProtocol` sets its bit 0 by the type of the body.
 * `protocolOf(gatewayFields(), { name, upTo: "ext_len" })` finds and refuses the same frames as
 * `gatewayProtocol`.
 *
 * @example
 * ```ts
 * import { encodeFrame, perMessage } from "framewright";
 * import { gatewayCommands, gatewayFields } from "framewright/workerman";
 *
 * const ping = encodeFrame(perMessage().wrap(gatewayFields()), { cmd: gatewayCommands.PING });
 * console.log(ping.length, ping[3], ping[4]);
 * //=> 28 28 201
 * ```
 */
export function gatewayFields(): Field<GatewayFieldsRequest, GatewayPackage> {
  return struct({
    pack_len: shown(size(u32be, whole)),
    cmd: u8,
    local_ip: withDefault(u32be, 0),
    local_port: withDefault(u16be, 0),
    client_ip: withDefault(u32be, 0),
    client_port: withDefault(u16be, 0),
    connection_id: withDefault(u32be, 0),
    flag: withDefault(u8, 1),
    gateway_port: withDefault(u16be, 0),
    ext_len: shown(size(u32be, "ext_data")),
    ext_data: withDefault(bytes(), new Uint8Array(0)),
    body: withDefault(bytes(), new Uint8Array(0)),
  });
}
