/**
 * Protobuf over any socket: message codecs for the libraries that you use, reading fields before
 * decoding, and requests that name their type in a header.
 *
 * @packageDocumentation
 */

// Return types of the functions below, so that declaration files of programs can name them.
export type { Codec, Connection, Handlers, MessageProtocol, Protocol } from "../../core/index.ts";
export {
  type BufbuildFunctions,
  type BufbuildMessage,
  type BufbuildSchema,
  bufbuild,
} from "./bufbuild.ts";
export { ErrorReply } from "./error-reply.ts";
export type { HeaderExtras } from "./header.ts";
export type {
  HeaderClient,
  HeaderClientConnection,
  HeaderClientOptions,
  HeaderRequestOptions,
} from "./header-client.ts";
export type { HeaderProtocols } from "./header-codecs.ts";
export type {
  AnswerOptions,
  HandlerResult,
  HeaderCall,
  HeaderHandlers,
  HeaderServerConnection,
} from "./header-server.ts";
export { type HeaderService, headerService } from "./header-service.ts";
export type {
  Answered,
  ClientReceived,
  ClientSent,
  HeaderDefinition,
  HeaderError,
  HeaderRefusal,
  HeaderRequest,
  Names,
  Pushes,
  RequestCodecs,
  RequestOf,
  Requests,
  ResponseOf,
  ResponseSent,
  ServerReceived,
  ServerSent,
} from "./header-types.ts";
export { type MessageCodecOptions, type MessageFunctions, messageCodec } from "./message-codec.ts";
export {
  type Peeked,
  type PeekedValue,
  type PeekField,
  type PeekRaw,
  type PeekShape,
  type PeekType,
  peek,
} from "./peek.ts";
export {
  type ProtobufjsOptions,
  type ProtobufjsReflected,
  type ProtobufjsType,
  protobufjs,
} from "./protobufjs.ts";
export type { PeekScalars } from "./scalars.ts";
export { WireReader } from "./wire.ts";
