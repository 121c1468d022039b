/**
 * Tools to look at bytes: the meaning of each byte and the position of errors, pictures of formats for
 * documentation, dissectors for Wireshark and specifications for Kaitai Struct. And tools to observe
 * connections: traces as text, and counters.
 *
 * @packageDocumentation
 */

export { type Explainable, type ExplainableProtocol, explain } from "./explain.ts";
export { hexView } from "./hex-view.ts";
export { htmlView } from "./html-view.ts";
export { type KsyOptions, type KsySpecification, ksy } from "./ksy/ksy.ts";
export { type DissectorOptions, dissector } from "./lua/dissector.ts";
export type { Part, PartBits, PartError } from "./part.ts";
export { picture } from "./picture.ts";
export type { HexViewOptions } from "./rows.ts";
export { type Counters, counters, type TrafficCounts } from "./trace/counters.ts";
export { type TextTraceOptions, textTrace } from "./trace/text-trace.ts";
