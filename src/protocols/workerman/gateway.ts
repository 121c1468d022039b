import {
  type Codec,
  checkOptions,
  isBytes,
  type Protocol,
  u16be,
  u32be,
} from "../../core/index.ts";
import type { FramingOptions } from "../../framing/index.ts";
import { writeBytesOrText } from "./bytes-or-text.ts";
import { checkRoom } from "./errors.ts";
import { totalLength } from "./total-length.ts";

const HEADER = 28;

const COMMANDS = {
  ON_CONNECT: 1,
  ON_MESSAGE: 3,
  ON_CLOSE: 4,
  SEND_TO_ONE: 5,
  SEND_TO_ALL: 6,
  KICK: 7,
  DESTROY: 8,
  UPDATE_SESSION: 9,
  GET_ALL_CLIENT_SESSIONS: 10,
  IS_ONLINE: 11,
  BIND_UID: 12,
  UNBIND_UID: 13,
  SEND_TO_UID: 14,
  GET_CLIENT_ID_BY_UID: 15,
  BATCH_GET_CLIENT_ID_BY_UID: 16,
  JOIN_GROUP: 20,
  LEAVE_GROUP: 21,
  SEND_TO_GROUP: 22,
  GET_CLIENT_SESSIONS_BY_GROUP: 23,
  GET_CLIENT_COUNT_BY_GROUP: 24,
  SELECT: 25,
  GET_GROUP_ID_LIST: 26,
  UNGROUP: 27,
  BATCH_GET_CLIENT_COUNT_BY_GROUP: 28,
  WORKER_CONNECT: 200,
  PING: 201,
  GATEWAY_CLIENT_CONNECT: 202,
  GET_SESSION_BY_CLIENT_ID: 203,
  SET_SESSION: 204,
  ON_WEBSOCKET_CONNECT: 205,
} as const;

/** Type of `gatewayCommands`. */
export interface GatewayCommands extends Readonly<typeof COMMANDS> {}

/**
 * Commands of GatewayWorker (`src/Protocols/GatewayProtocol.php`), with their names there, without
 * `CMD_`.
 */
export const gatewayCommands: GatewayCommands = Object.freeze(COMMANDS);

const FLAGS = {
  /** The body is a scalar, as raw bytes; otherwise it is a text of PHP's `serialize`. */
  BODY_IS_SCALAR: 1,
  /** The receiver must forward the body without calling `encode` on it. */
  NOT_CALL_ENCODE: 2,
} as const;

/** Type of `gatewayFlags`. */
export interface GatewayFlags extends Readonly<typeof FLAGS> {}

/** Bits of `flag`. */
export const gatewayFlags: GatewayFlags = Object.freeze(FLAGS);

/**
 * The header fields of GatewayWorker that a sender sets, with their names there. Numbers are
 * unsigned.
 */
export interface GatewayHeader {
  /** Command, u8: see `gatewayCommands`. */
  readonly cmd: number;
  /** IPv4 address as u32. */
  readonly local_ip: number;
  /** u16. */
  readonly local_port: number;
  /** IPv4 address as u32. */
  readonly client_ip: number;
  /** u16. */
  readonly client_port: number;
  /** u32. */
  readonly connection_id: number;
  /** u8: see `gatewayFlags`. */
  readonly flag: number;
  /** u16. */
  readonly gateway_port: number;
}

/** A package to send: absent fields are 0 or empty. */
export interface GatewayRequest<Body = never> extends Partial<Omit<GatewayHeader, "cmd">> {
  /** Command, u8: see `gatewayCommands`. */
  readonly cmd: number;
  /** Bytes, or text as UTF-8. */
  readonly ext_data?: Uint8Array | string | undefined;
  /** A scalar (bytes, or text as UTF-8), or a value for the codec `serialized`. */
  readonly body?: Uint8Array | string | Body | undefined;
}

/** A received package. */
export interface GatewayPackage<Body = Uint8Array> extends GatewayHeader {
  /** Length of the whole package. */
  readonly pack_len: number;
  /** Length of `ext_data`. */
  readonly ext_len: number;
  /** A view of the received memory. */
  readonly ext_data: Uint8Array;
  /**
   * A scalar as bytes, a view of the received memory; otherwise the result of `serialized`, or the
   * raw bytes.
   */
  readonly body: Uint8Array | Body;
}

/** Options for {@link gatewayProtocol}. */
export interface GatewayOptions<Body> extends FramingOptions {
  /**
   * Codec of bodies that are not scalars: texts of PHP's `serialize`.
   * @defaultValue none: they are read as bytes, and cannot be written
   */
  readonly serialized?: Codec<Body> | undefined;
}

/**
 * Protocol between the gateways and workers of GatewayWorker (`src/Protocols/GatewayProtocol.php`).
 *
 * ```text
 *   0          4     5          9            11          15
 *   | pack_len | cmd | local_ip | local_port | client_ip | client_port |
 *   17              21     22             24        28
 *   | connection_id | flag | gateway_port | ext_len | ext_data | body: the rest |
 * ```
 *
 * All numbers are big-endian and unsigned. Bit 0 of `flag` always describes the body, whatever you
 * set: a body that is not a scalar requires the codec `serialized`. Without it such bodies arrive
 * as bytes with bit 0 clear; if you forward them as bytes, they become scalars. A `pack_len` below
 * 28 is `malformed` (`length-below-header`) as soon as it arrives, as is an `ext_len` that does not
 * fit (`bad-length`).
 *
 * @param options - `maxFrame`: largest package, header included; `serialized`
 * @defaultValue maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { decodeFrame, decodeUtf8, encodeFrame } from "framewright";
 * import { gatewayCommands, gatewayProtocol } from "framewright/workerman";
 *
 * const protocol = gatewayProtocol();
 * const bytes = encodeFrame(protocol, { cmd: gatewayCommands.SEND_TO_ALL, body: "hello" });
 * const { pack_len, flag, body } = decodeFrame(protocol, bytes);
 * console.log(pack_len, flag, decodeUtf8(body));
 * //=> 33 1 hello
 * ```
 */
export function gatewayProtocol<Body = never>(
  options: GatewayOptions<Body> = {},
): Protocol<GatewayRequest<Body>, GatewayPackage<[Body] extends [never] ? Uint8Array : Body>> {
  type Received = GatewayPackage<[Body] extends [never] ? Uint8Array : Body>;
  checkOptions("gatewayProtocol", options, ["maxFrame", "serialized"]);
  const { serialized } = options;
  const codec: Codec<GatewayRequest<Body>, Received> = {
    decode(bytes, start, end) {
      const at = start - 4;
      const flag = bytes[at + 21]!;
      const ext_len = u32be(bytes, at + 24);
      const body = at + HEADER + ext_len;
      const isSerialized = (flag & FLAGS.BODY_IS_SCALAR) === 0;
      return {
        pack_len: end - at,
        cmd: bytes[at + 4]!,
        local_ip: u32be(bytes, at + 5),
        local_port: u16be(bytes, at + 9),
        client_ip: u32be(bytes, at + 11),
        client_port: u16be(bytes, at + 15),
        connection_id: u32be(bytes, at + 17),
        flag,
        gateway_port: u16be(bytes, at + 22),
        ext_len,
        ext_data: bytes.subarray(at + HEADER, body),
        body:
          isSerialized && serialized !== undefined
            ? serialized.decode(bytes, body, end)
            : bytes.subarray(body, end),
      } as Received;
    },
    encode(value, out) {
      const { body = "", ext_data = "", flag = 0, connection_id = 0, gateway_port = 0 } = value;
      const { local_ip = 0, local_port = 0, client_ip = 0, client_port = 0 } = value;
      const isScalar = typeof body === "string" || isBytes(body);
      out.u8(value.cmd);
      out.u32be(local_ip).u16be(local_port).u32be(client_ip).u16be(client_port);
      out.u32be(connection_id);
      const at = out.u8(flag).length - 1;
      const scalar = FLAGS.BODY_IS_SCALAR;
      out.patch(at, 1, isScalar ? flag | scalar : flag & ~scalar);
      out.u16be(gateway_port);
      const ext = out.reserve(4);
      writeBytesOrText(ext_data, out);
      out.patch(ext, 4, out.length - ext - 4);
      if (isScalar) writeBytesOrText(body, out);
      else if (serialized === undefined)
        throw new TypeError("body is not a scalar, and the option serialized is not set");
      else serialized.encode(body as Body, out);
    },
  };
  const format = { name: "gateway", serialized };
  return totalLength({ name: "gateway", header: HEADER, codec, check, format }, options);
}

function check(bytes: Uint8Array, start: number, length: number): void {
  checkRoom("ext_data", u32be(bytes, start + 24), length - HEADER, length, start + 24);
}
