/**
 * Generated code for descriptions. An entry of its own, so that `framewright/fields` is free of `new Function`.
 *
 * @packageDocumentation
 */
export { compiled } from "./compiled.ts";
