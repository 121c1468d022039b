export type {
  Dispatched,
  HostOptions,
  HostRequest,
  HostResponse,
  SprotoHost,
} from "./host.ts";
export type { SprotoOptions } from "./options.ts";
export { type PackOptions, pack, unpack } from "./pack.ts";
export { load, type NamedText, parse } from "./parse.ts";
export type {
  PeerOptions,
  RequestOptions,
  RpcCall,
  RpcHandlers,
  RpcPeer,
} from "./peer.ts";
export { type PrecompiledSchema, precompiled } from "./precompiled.ts";
export {
  netpack,
  type RpcAnswer,
  type RpcMessageProtocol,
  type RpcOptions,
  type RpcPeers,
  type RpcProtocol,
  type RpcReceived,
  type RpcRequest,
  type RpcResponse,
  type RpcSent,
  type RpcUnknown,
  sprotoRpc,
} from "./rpc.ts";
export { RpcError } from "./rpc-error.ts";
export { SchemaError } from "./schema-error.ts";
export type { Sproto } from "./sproto.ts";
export type { AnyTypes, SprotoTypes } from "./types.ts";
