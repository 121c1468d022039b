import { checkOptions, type Protocol } from "../../core/index.ts";
import { type JsonOptions, jsonPayload } from "./json.ts";
import { totalLength } from "./total-length.ts";

/**
 * Protocol JsonInt, the second of Workerman's manual: a total length, then JSON.
 *
 * ```text
 *   0               4
 *   | total: u32 BE | JSON text: total - 4 bytes |
 *
 *   00 00 00 05 37        7
 * ```
 *
 * Nothing is trimmed: JSON's white space around the value is allowed, NUL is not. A package that is
 * not JSON, or is empty, is `malformed` (`decode-threw`), unless `invalid` is set; a total below 4
 * is `malformed` (`length-below-header`).
 *
 * @param options - `maxFrame`: largest package, header included; `phpJson`; `invalid`; `parse`
 * @defaultValue maxFrame 1 MiB, phpJson false, invalid `'refuse'`
 *
 * @example
 * ```ts
 * import { encodeFrame } from "framewright";
 * import { jsonInt } from "framewright/workerman";
 *
 * console.log(encodeFrame(jsonInt(), 7).join(" "));
 * //=> 0 0 0 5 55
 * ```
 */
export function jsonInt<In = unknown, Out = In>(
  options: JsonOptions<Out> & { readonly invalid: "null" },
): Protocol<In, Out | null>;
export function jsonInt<In = unknown, Out = In>(options?: JsonOptions<Out>): Protocol<In, Out>;
export function jsonInt<In, Out>(options: JsonOptions<Out> = {}): Protocol<In, Out> {
  checkOptions("jsonInt", options, ["maxFrame", "phpJson", "invalid", "parse"]);
  const codec = jsonPayload<In, Out>(options);
  return totalLength({ name: "jsonInt", header: 4, codec }, options);
}
