/**
 * Ready framings, and tools to write your own framing or protocol.
 *
 * @packageDocumentation
 */
export {
  adler32,
  type Checksum,
  type Crc16Name,
  type Crc32Name,
  type CrcParameters,
  checkInteger,
  checkLimit,
  checkLimits,
  checkOptions,
  crc,
  crc16,
  crc32,
  fletcher16,
  fletcher32,
  internetChecksum,
  newScan,
  type OwnScan,
  type PolicyStream,
  sum8,
  type TolerantFraming,
  varintWidth,
  xor8,
} from "../core/index.ts";
export { body } from "./body.ts";
export { type CobsOptions, cobs } from "./cobs.ts";
export { concatenatedJson } from "./concatenated-json.ts";
export { contentLength } from "./content-length.ts";
export { type DecimalPrefixedOptions, decimalPrefixed } from "./decimal-prefixed.ts";
export { delimited } from "./delimited.ts";
export { delimiterAt } from "./delimiter-at.ts";
export { fixed } from "./fixed.ts";
export { frameLimit } from "./frame-limit.ts";
export {
  type FramePosition,
  type FramingDefinition,
  type FramingOptions,
  framing,
  type WrapOptions,
  type WrappingFraming,
} from "./framing.ts";
export { type HdlcOptions, hdlc } from "./hdlc.ts";
export { type HeadedOptions, headed } from "./headed.ts";
export type { HeaderOptions } from "./header-block.ts";
export { type LengthPrefixedOptions, lengthPrefixed } from "./length-prefixed.ts";
export { type LinesOptions, lines } from "./lines.ts";
export { netstring } from "./netstring.ts";
export { onePerMessage } from "./one-per-message.ts";
export { type MessageFraming, perMessage } from "./per-message.ts";
export { type PiecesOptions, pieces } from "./pieces.ts";
export { resync } from "./resync.ts";
export { skip } from "./skip.ts";
export { type SlipOptions, slip } from "./slip.ts";
export { type StuffedOptions, stuffed } from "./stuffed.ts";
export type { PolicyOptions } from "./tolerance.ts";
export { insertVarint, type VarintPrefixedOptions, varintPrefixed } from "./varint-prefixed.ts";
export { type ChecksumOptions, withChecksum } from "./with-checksum.ts";
