import { type Codec, decodeUtf8, isMisuse, json, ProtocolError, textOf } from "../../core/index.ts";
import type { FramingOptions } from "../../framing/index.ts";
import { decodeThrew } from "./errors.ts";
import { readPhpJson } from "./php-json-read.ts";
import { writePhpJson } from "./php-json-write.ts";

/** Options for `jsonNL` and `jsonInt`. */
export interface JsonOptions<Out> extends FramingOptions {
  /**
   * Writes the same bytes as PHP's `json_encode`, and reads what its `json_decode` reads: see
   * `phpJson`.
   * @defaultValue false: plain JSON, like `json()`, which every PHP peer can read
   */
  readonly phpJson?: boolean | undefined;

  /**
   * Handling of a package that is not JSON: `'refuse'` closes the connection with a `malformed`
   * error, `'null'` delivers null and continues, as PHP does.
   * @defaultValue `'refuse'`
   */
  readonly invalid?: "refuse" | "null" | undefined;

  /**
   * Turns the text into a value, for a reviver or a check of its shape. Cannot be combined with
   * `phpJson`.
   * @defaultValue `JSON.parse`
   */
  readonly parse?: ((text: string) => Out) | undefined;
}

/**
 * Codec of JSON as PHP writes and reads it (default flags, `json_decode($text, true)`), for any
 * framing.
 *
 * Writing escapes `/` and all but ASCII, writes floats as PHP does (`1.0e-5`, `-0`), and bigints as
 * 64-bit integers. NaN, infinities, lone surrogates, more than 512 nested arrays, bigints beyond 64
 * bits, and objects such as Map or Uint8Array are `unencodable`. Members that are undefined or
 * functions are left out, and `toJSON` is honoured.
 *
 * Reading is stricter than `JSON.parse`: lone surrogates in escapes and more than 511 nested arrays
 * are `malformed`. Integers beyond 2^53 become bigints, beyond 64 bits the nearest number; `1e400`
 * becomes Infinity, as in PHP, which cannot be written again: check values that you send back.
 * Objects become PHP's arrays: `{}` and `{"0":"a","1":"b"}` become lists. One difference remains:
 * PHP keeps the order of integer-like keys, JavaScript's objects sort them first.
 *
 * @example
 * ```ts
 * import { decodeFrame, decodeUtf8, encodeFrame, lengthPrefixed } from "framewright";
 * import { phpJson } from "framewright/workerman";
 *
 * const protocol = lengthPrefixed({ width: 1 }).wrap(phpJson());
 * const bytes = encodeFrame(protocol, { url: "a/é", id: 2n ** 60n, tiny: 1e-7 });
 * console.log(decodeUtf8(bytes, 1));
 * //=> {"url":"a\/\u00e9","id":1152921504606846976,"tiny":1.0e-7}
 * console.log(decodeFrame(protocol, bytes));
 * //=> { url: 'a/é', id: 1152921504606846976n, tiny: 1e-7 }
 * ```
 */
export function phpJson<In = unknown, Out = In>(): Codec<In, Out> {
  return Object.freeze<Codec<In, Out>>({
    decode(bytes, start, end) {
      const text = decodeUtf8(bytes, start, end);
      try {
        return readPhpJson(text) as Out;
      } catch (error) {
        // The reader throws only SyntaxErrors, which contain the reason.
        throw new ProtocolError("malformed", (error as Error).message, start);
      }
    },
    encode: (value, out) => void out.utf8(writePhpJson(value)),
    text: true,
    format: { name: "json" },
  });
}

/** Returns the payload codec of jsonNL and jsonInt. */
export function jsonPayload<In, Out>(options: JsonOptions<Out>): Codec<In, Out> {
  const { phpJson: php = false, invalid = "refuse", parse } = options;
  if (php && parse !== undefined) throw new TypeError("parse cannot be combined with phpJson");
  if (invalid !== "refuse" && invalid !== "null") {
    throw new RangeError(`invalid must be "refuse" or "null", not ${invalid}`);
  }
  const codec = php ? phpJson<In, Out>() : json<In, Out>({ parse });
  const decode: Codec<In, Out>["decode"] = (bytes, start, end) => {
    try {
      return codec.decode(bytes, start, end);
    } catch (error) {
      if (invalid === "null" && !isMisuse(error)) return null as Out;
      throw decodeThrew(error, start);
    }
  };
  return {
    ...codec,
    decode,
    ...textOf(codec, codec, decode, codec.encode),
  };
}
