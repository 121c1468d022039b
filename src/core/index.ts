/*
 * The interface of the core for the rest of the source. Names listed here are for users too: `src/index.ts`
 * and `src/framing/index.ts` export them. Names in `in-house.ts` stay in this package.
 */
export * from "./bytes.ts";
export type { CancelSignal } from "./cancel.ts";
export {
  adler32,
  type Checksum,
  type Crc16Name,
  type Crc32Name,
  type CrcParameters,
  crc,
  crc16,
  crc32,
  fletcher16,
  fletcher32,
  internetChecksum,
  sum8,
  xor8,
} from "./checksums.ts";
export { type Clock, later, systemClock } from "./clock.ts";
export { json, latin1, raw, utf8 } from "./codecs.ts";
export {
  Connection,
  type ConnectionConstructor,
  type ConnectionSignal,
  type ConnectionState,
} from "./connection/connection.ts";
export type {
  CloseInfo,
  ConnectionOptions,
  Handlers,
} from "./connection/handlers.ts";
export type { Trace, TraceEvent } from "./connection/trace.ts";
export { type DuplexParts, duplex } from "./duplex.ts";
export { ProtocolError, type ProtocolErrorCode } from "./errors.ts";
export { decodeAll, decodeFrame, encodeAll, encodeFrame } from "./frames.ts";
/** @internal Not in the declarations, like the names it exports. */
export * from "./in-house.ts";
export type {
  InvalidOptions,
  InvalidPolicy,
  PolicyStream,
  Skipped,
  TolerantFraming,
} from "./invalid.ts";
export { checkOptions } from "./options.ts";
export { type Endian, Output, type OutputConstructor } from "./output.ts";
export {
  type Codec,
  defineProtocol,
  type Format,
  type FrameLayout,
  type FramePart,
  type Framing,
  type MessageProtocol,
  type Protocol,
  type ProtocolDefinition,
  type Received,
  type Sent,
} from "./protocol.ts";
export { checkInteger, checkLimit, checkLimits } from "./range.ts";
export { newScan, type OwnScan, type Scan } from "./scan.ts";
export { checked, type SchemaInput, type SchemaOutput, type StandardSchema } from "./schema.ts";
export { indexOfByte } from "./search.ts";
export type { Sink } from "./sink.ts";
export { Splitter, type SplitterConstructor } from "./splitter.ts";
export type { StreamHint } from "./stream-hint.ts";
export { decodeUtf8 } from "./utf8.ts";
