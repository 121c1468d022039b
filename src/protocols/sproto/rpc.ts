import {
  checkOptions,
  type Handlers,
  type MessageProtocol,
  Output,
  type Protocol,
  ProtocolError,
} from "../../core/index.ts";
import {
  type FramingOptions,
  lengthPrefixed,
  type MessageFraming,
  type WrappingFraming,
} from "../../framing/index.ts";
import { type PeerOptions, peerHandlers, type RpcPeer } from "./peer.ts";
import { RpcError } from "./rpc-error.ts";
import { checkedBody, checkPackage, placeOf, readBody, readHeader } from "./rpc-format.ts";
import type { Sproto } from "./sproto.ts";
import type { AnyTypes, SprotoTypes } from "./types.ts";

/**
 * Framing of skynet's gate: the length of the payload in two bytes, big-endian, then the payload.
 * It may be empty; every header is valid.
 *
 * ```text
 *   00 03 61 62 63   abc
 * ```
 *
 * @param options - `maxFrame`: largest frame in bytes, its two bytes of length included
 * @defaultValue maxFrame 65 537, the maximum of the length field
 */
export function netpack(options: FramingOptions = {}): WrappingFraming {
  checkOptions("netpack", options, ["maxFrame"]);
  return lengthPrefixed({ width: 2, maxFrame: options.maxFrame });
}

/** A request or a notification to send. */
export interface RpcRequest {
  readonly kind: "request";
  /** Name of the protocol, in the other side's schema. */
  readonly name: string;
  /** The request; undefined if the protocol has none. */
  readonly args?: unknown;
  /** Undefined if no answer is expected. */
  readonly session?: number | bigint | undefined;
  /** `ud` of the request, if the package type has that field. */
  readonly ud?: unknown;
}

/** An answer to send. */
export interface RpcResponse {
  readonly kind: "response";
  /** Name of the request's protocol, in this side's schema. */
  readonly name: string;
  /** The response; undefined if the protocol has none. */
  readonly args?: unknown;
  /** The session of the request. */
  readonly session: number | bigint;
  /** `ud` of the response, if the package type has that field. */
  readonly ud?: unknown;
}

/** A message to send. */
export type RpcSent = RpcRequest | RpcResponse;

/** A received answer. It does not name its protocol; the session identifies it. */
export interface RpcAnswer {
  readonly kind: "response";
  readonly session: number | bigint;
  readonly ud: unknown;
  /** The body, unpacked, followed by up to 7 zeros. */
  readonly body: Uint8Array;
}

/** A request whose tag is not in this side's schema. */
export interface RpcUnknown {
  readonly kind: "unknown";
  readonly tag: number | bigint;
  readonly session: number | bigint | undefined;
  readonly ud: unknown;
}

/** A received message. */
export type RpcReceived = Required<RpcRequest> | RpcAnswer | RpcUnknown;

/** Schemas of both sides. */
export interface RpcOptions<L extends SprotoTypes = AnyTypes, R extends SprotoTypes = AnyTypes> {
  /** Schema of calls to this side; contains the type of the header. */
  readonly local: Sproto<L>;
  /** Schema of calls to the other side. */
  readonly remote: Sproto<R>;
  /**
   * Type of the header, with the integers `type` and `session`, and optionally `ud`.
   * @defaultValue `'package'`
   */
  readonly packageName?: string | undefined;
}

/** Members of both forms of {@link sprotoRpc} in addition to the protocol. */
export interface RpcPeers<L extends SprotoTypes, R extends SprotoTypes> {
  /**
   * Returns handlers for `listen`, `connect` or `attach`. They answer requests, and create a
   * {@link RpcPeer} for each connection: `connection.context`.
   *
   * @throws RangeError for a `timeout` or `maxPending` that is not a number >= 0
   */
  peers<Context = undefined>(
    options?: PeerOptions<L, R, Context>,
  ): Handlers<RpcSent, RpcReceived, RpcPeer<R, Context>>;
}

/** Remote calls over a stream. */
export type RpcProtocol<L extends SprotoTypes, R extends SprotoTypes> = Protocol<
  RpcSent,
  RpcReceived
> &
  RpcPeers<L, R>;

/** Remote calls over a transport that preserves message boundaries. */
export type RpcMessageProtocol<L extends SprotoTypes, R extends SprotoTypes> = MessageProtocol<
  RpcSent,
  RpcReceived
> &
  RpcPeers<L, R>;

/**
 * Protocol of remote calls in frames, as between skynet's gate and its clients. The protocol itself
 * keeps no state; the peers that `peers` creates remember sessions.
 *
 * ```text
 *   u16 length | packed( package { type, session, ud }, body )
 *   00 04        15 02 0e 18                                      ping, session 11
 * ```
 *
 * @example
 * ```ts
 * import { decodeFrame, encodeFrame } from "framewright";
 * import { parse, sprotoRpc } from "framewright/sproto";
 *
 * const schema = parse(`
 *   .package { type 0 : integer  session 1 : integer }
 *   ping 6 {}
 * `);
 * const rpc = sprotoRpc({ local: schema, remote: schema });
 * const frame = encodeFrame(rpc, { kind: "request", name: "ping", session: 11 });
 * console.log(frame.join(" "));
 * //=> 0 4 21 2 14 24
 * console.log(decodeFrame(rpc, frame).kind);
 * //=> request
 * ```
 *
 * @param options - `local`, `remote`: the schemas; `framing`: framing of the stream, or
 *   `perMessage()` if the transport preserves message boundaries
 * @defaultValue framing {@link netpack}, packageName `'package'`
 * @throws TypeError if `local` has no such type, or it lacks `type` or `session`
 */
export function sprotoRpc<L extends SprotoTypes, R extends SprotoTypes>(
  options: RpcOptions<L, R> & { readonly framing?: WrappingFraming | undefined },
): RpcProtocol<L, R>;
export function sprotoRpc<L extends SprotoTypes, R extends SprotoTypes>(
  options: RpcOptions<L, R> & { readonly framing: MessageFraming },
): RpcMessageProtocol<L, R>;
export function sprotoRpc<L extends SprotoTypes, R extends SprotoTypes>(
  options: RpcOptions<L, R> & { readonly framing?: WrappingFraming | MessageFraming | undefined },
): RpcMessageProtocol<L, R> {
  checkOptions("sprotoRpc", options, ["local", "remote", "packageName", "framing"]);
  const { packageName = "package", framing = netpack() } = options;
  const local = options.local as unknown as Sproto;
  const remote = options.remote as unknown as Sproto;
  checkPackage(local, packageName);
  const codec = {
    format: local.callFormat(packageName),
    encode(value: RpcSent, out: Output): void {
      out.bytes(value.kind === "request" ? request(value) : response(value));
    },
    decode(bytes: Uint8Array, start: number, end: number): RpcReceived {
      const header = readHeader(local, packageName, bytes, start, end);
      const { type, session, ud, raw, at } = header;
      if (type === undefined) {
        if (session === undefined) {
          throw new ProtocolError("malformed", "response without a session", start);
        }
        return { kind: "response", session, ud, body: raw.subarray(at) };
      }
      const protocol = local.protocol(Number(type));
      if (protocol === undefined) return { kind: "unknown", tag: type, session, ud };
      const args = readBody(local, protocol.request, header, placeOf(protocol, session));
      return { kind: "request", name: protocol.name, args, session, ud };
    },
  };

  function request({ name, args, session, ud }: RpcRequest): Uint8Array {
    const protocol = remote.protocol(name);
    if (protocol === undefined) throw notFound(name, session);
    const { request: type, tag } = protocol;
    const body = checkedBody(type, args, placeOf(protocol, session));
    return local.packParts(packageName, { type: tag, session, ud }, remote, type?.name, body);
  }

  function response({ name, args, session, ud }: RpcResponse): Uint8Array {
    const protocol = local.protocol(name);
    if (protocol === undefined) throw notFound(name, session);
    const { response: type } = protocol;
    const body = checkedBody(type, args, placeOf(protocol, session));
    return local.packParts(packageName, { session, ud }, local, type?.name, body);
  }

  const protocol = framing.wrap(codec, { name: "sproto" });
  return Object.freeze({
    ...protocol,
    peers: <Context>(peerOptions: PeerOptions<L, R, Context> = {}) =>
      peerHandlers(options.remote, peerOptions, (value) => codec.encode(value, new Output())),
  });
}

function notFound(name: string, session: number | bigint | undefined): RpcError {
  return new RpcError("unencodable", `${name} not found`, { protocol: name, session });
}
