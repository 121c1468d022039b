import { type Codec, checkOptions } from "../../core/index.ts";
import { PhpReader } from "./php-serialize-read.ts";
import { writeSerialized } from "./php-serialize-write.ts";

/** Options for {@link phpSerialize}. */
export interface PhpSerializeOptions {
  /**
   * Type of read strings. `'utf8'`: text; other bytes are `malformed`. `'bytes'`: a Uint8Array, for
   * PHP programs that keep any bytes in strings; keys are still text.
   * @defaultValue `'utf8'`
   */
  readonly strings?: "utf8" | "bytes" | undefined;
}

/**
 * Codec of values as PHP's `serialize` writes and `unserialize` reads them, for any framing.
 * GatewayWorker's gateways answer queries in this form.
 *
 * | PHP | JavaScript |
 * |---|---|
 * | null, bool | null, boolean |
 * | int | number; a bigint beyond 2^53 |
 * | float | number |
 * | string | string; a Uint8Array is also written as one |
 * | array with the keys 0, 1, 2 and so on | array |
 * | any other array | Map, in PHP's order; an object is also written as one |
 *
 * Keys that are integers in decimal digits are numbers, as in PHP. Objects, references and enums of
 * PHP are `malformed`, as are more than 512 levels of arrays.
 *
 * @param options - `strings`
 * @throws TypeError for another form of strings
 *
 * @example
 * ```ts
 * import { decodeFrame, decodeUtf8, encodeFrame, perMessage } from "framewright";
 * import { phpSerialize } from "framewright/workerman";
 *
 * const values = perMessage().wrap(phpSerialize());
 * const bytes = encodeFrame(values, { uid: 7, groups: ["a", "b"] });
 * console.log(decodeUtf8(bytes));
 * //=> a:2:{s:3:"uid";i:7;s:6:"groups";a:2:{i:0;s:1:"a";i:1;s:1:"b";}}
 * console.log(decodeFrame(values, bytes));
 * //=> Map(2) { 'uid' => 7, 'groups' => [ 'a', 'b' ] }
 * ```
 */
export function phpSerialize<In = unknown, Out = In>(
  options: PhpSerializeOptions = {},
): Codec<In, Out> {
  checkOptions("phpSerialize", options, ["strings"]);
  const { strings = "utf8" } = options;
  if (strings !== "utf8" && strings !== "bytes") {
    throw new TypeError(`strings must be "utf8" or "bytes", not ${String(strings)}`);
  }
  return Object.freeze<Codec<In, Out>>({
    decode: (bytes, start, end) => {
      return new PhpReader(bytes, start, end, strings === "bytes").whole() as Out;
    },
    encode: (value, out) => writeSerialized(value, out, 0),
    format: { name: "php", strings },
  });
}
