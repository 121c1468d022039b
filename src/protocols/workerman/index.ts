/**
 * Custom protocols in the style of Workerman's manual, and the protocols of Workerman, its manual
 * and GatewayWorker.
 *
 * @packageDocumentation
 */

// Return types of the functions below, so that declaration files of programs can name them.
export type { Codec, MessageProtocol, Protocol } from "../../core/index.ts";
export type { Field } from "../../fields/index.ts";
export { binaryTransfer } from "./binary-transfer.ts";
export {
  type CodecConnection,
  type CodecDefinition,
  defineCodec,
  type InputConnection,
} from "./define-codec.ts";
export { type FrameOptions, frame } from "./frame.ts";
export {
  type GatewayCommands,
  type GatewayFlags,
  type GatewayHeader,
  type GatewayOptions,
  type GatewayPackage,
  type GatewayRequest,
  gatewayCommands,
  gatewayFlags,
  gatewayProtocol,
} from "./gateway.ts";
export { type GatewayFieldsRequest, gatewayFields } from "./gateway-fields.ts";
export { type GatewayQueriesOptions, gatewayQueries } from "./gateway-queries.ts";
export { type JsonOptions, phpJson } from "./json.ts";
export { jsonInt } from "./json-int.ts";
export { jsonNL } from "./json-nl.ts";
export { type PhpSerializeOptions, phpSerialize } from "./php-serialize.ts";
export { type TextOptions, text } from "./text.ts";
export { textTransfer } from "./text-transfer.ts";
export type { TransferOptions, TransferReply, TransferredFile } from "./transfer.ts";
export { type Xml10Options, xml10 } from "./xml10.ts";
