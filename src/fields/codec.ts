import type { Codec } from "../core/index.ts";
import { type Field, makeField } from "./field.ts";
import { foreign } from "./field-error.ts";

/**
 * Any codec as a field; it takes its whole window.
 *
 * @param name - for tools: "json"
 * @throws TypeError if it is not a codec
 *
 * @example
 * ```ts
 * import { encodeFrame, json, perMessage } from "framewright";
 * import { codec, prefixed, struct, u8 } from "framewright/fields";
 *
 * const event = struct({ kind: u8, data: prefixed(u8, codec(json<{ x: number }>(), "json")) });
 * console.log(encodeFrame(perMessage().wrap(event), { kind: 1, data: { x: 2 } }).length);
 * //=> 9
 * ```
 */
export function codec<In, Out>(inner: Codec<In, Out>, name = "codec"): Field<In, Out> {
  if (typeof inner?.decode !== "function" || typeof inner.encode !== "function") {
    throw new TypeError("codec needs an object with decode and encode");
  }
  return makeField<In, Out>({
    node: { kind: "codec", codec: inner, name },
    least: 0,
    open: true,
    ...(inner.text === true && { text: true }),
    read(bytes, at, end, cursor) {
      let value: Out;
      try {
        value = inner.decode(bytes, at, end);
      } catch (error) {
        throw foreign(error, "malformed", at);
      }
      cursor.at = end;
      return value;
    },
    write(value, out) {
      let returned: unknown;
      try {
        returned = inner.encode(value, out);
      } catch (error) {
        throw foreign(error, "unencodable");
      }
      if (returned !== undefined && returned !== out) {
        throw foreign(new Error("encode must be synchronous"), "unencodable");
      }
    },
  });
}
