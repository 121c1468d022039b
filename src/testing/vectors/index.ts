/**
 * Tests with golden bytes, in both directions. A separate entry, so that it works without fast-check;
 * `framewright/testing` exports the same names.
 *
 * @packageDocumentation
 */
export { type Several, several } from "../several.ts";
export { type Refusal, refuses, type Vector, type VectorsOptions, vectors } from "./vectors.ts";
