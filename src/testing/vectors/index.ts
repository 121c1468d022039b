/**
 * Golden bytes, tested in both directions. An entry of its own, so that it works without fast-check; `framewright/testing`
 * has the same names.
 *
 * @packageDocumentation
 */
export { type Several, several } from "../several.ts";
export { type Refusal, refuses, type Vector, type VectorsOptions, vectors } from "./vectors.ts";
