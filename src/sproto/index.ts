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
export { RpcError } from "./rpc-error.ts";
export { SchemaError } from "./schema-error.ts";
export type { Sproto } from "./sproto.ts";
export type { AnyTypes, SprotoTypes } from "./types.ts";
