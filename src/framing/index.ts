export { delimited, lines } from "./delimited.ts";
export { fixed } from "./fixed.ts";
export { type LengthPrefixedOptions, lengthPrefixed } from "./length-prefixed.ts";
export { netstring } from "./netstring.ts";
export { onePerMessage } from "./one-per-message.ts";
export { type MessageFraming, perMessage } from "./per-message.ts";
export { type VarintPrefixedOptions, varintPrefixed } from "./varint-prefixed.ts";
export type { FramingOptions, WrapOptions, WrappingFraming } from "./wrap.ts";
