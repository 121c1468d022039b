/**
 * Protobuf over any socket: message codecs of the libraries you use, and a look at fields before decoding.
 *
 * @packageDocumentation
 */
export {
  type BufbuildFunctions,
  type BufbuildMessage,
  type BufbuildSchema,
  bufbuild,
} from "./bufbuild.ts";
export { type MessageCodecOptions, type MessageFunctions, messageCodec } from "./message-codec.ts";
export {
  type Peeked,
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
