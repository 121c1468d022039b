/**
 * Look at bytes through a description: what each one means, where they are wrong, and pictures for documentation.
 *
 * @packageDocumentation
 */
export { type Explainable, type ExplainableProtocol, explain } from "./explain.ts";
export { type HexViewOptions, hexView } from "./hex-view.ts";
export type { Part, PartBits, PartError } from "./part.ts";
export { picture } from "./picture.ts";
