/**
 * sproto, the schema language, message encoding and remote calls of skynet: schemas from texts and
 * bundles, messages with generated code or an interpreter, 0-packing, and calls with or without a
 * connection.
 *
 * @packageDocumentation
 */

// Return types of the functions below, so that declaration files of programs can name them.
export type { Codec, Handlers, MessageProtocol, Protocol } from "../../core/index.ts";
export type { MessageFraming, WrappingFraming } from "../../framing/index.ts";
export { generateModule, type ModuleOptions } from "./generate-module.ts";
export type {
  Dispatched,
  HostOptions,
  HostRequest,
  HostResponse,
  SendRequest,
  SprotoHost,
} from "./host.ts";
export type { Forms, Infer, SchemaTypes } from "./infer.ts";
export type { Settings, SprotoOptions } from "./options.ts";
export { type PackOptions, pack, unpack } from "./pack.ts";
export { load, type NamedText, parse, type SchemaText } from "./parse.ts";
export type {
  AnyContext,
  PeerOptions,
  RequestArguments,
  RequestOptions,
  RpcCall,
  RpcHandlers,
  RpcPeer,
  RpcResult,
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
export { RpcError, type RpcPlace } from "./rpc-error.ts";
export type { FieldKind, Schema, SchemaField, SchemaProtocol, SchemaType } from "./schema.ts";
export { type Place, SchemaError } from "./schema-error.ts";
export type { Sproto } from "./sproto.ts";
export type {
  AnyTypes,
  Decoded,
  Encodable,
  MessageTypes,
  ProtocolName,
  SprotoTypes,
  TypeName,
} from "./types.ts";
