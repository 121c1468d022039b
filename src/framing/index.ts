/**
 * Ready framings, and what you need to write your own framing or protocol.
 *
 * @packageDocumentation
 */
export { checkInteger, checkLimit, checkLimits, newScan, type OwnScan } from "../core/index.ts";
export { delimited, lines } from "./delimited.ts";
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
export { type LengthPrefixedOptions, lengthPrefixed } from "./length-prefixed.ts";
export { netstring } from "./netstring.ts";
export { onePerMessage } from "./one-per-message.ts";
export { type MessageFraming, perMessage } from "./per-message.ts";
export { insertVarint, type VarintPrefixedOptions, varintPrefixed } from "./varint-prefixed.ts";
