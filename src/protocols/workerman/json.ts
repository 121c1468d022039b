import { type Codec, decodeUtf8, isMisuse, json, ProtocolError, textOf } from "../../core/index.ts";
import type { FramingOptions } from "../../framing/index.ts";
import { decodeThrew } from "./errors.ts";
import { readPhpJson } from "./php-json-read.ts";
import { writePhpJson } from "./php-json-write.ts";

/** What `jsonNL` and `jsonInt` can be given. */
export interface JsonOptions<Out> extends FramingOptions {
  /**
   * Write byte for byte what PHP's `json_encode` writes, and read what its `json_decode` reads: see `phpJson`.
   * @defaultValue false: plain JSON, as `json()` has it, which every PHP peer reads
   */
  readonly phpJson?: boolean | undefined;

  /**
   * What becomes of a package that is not JSON: `'refuse'` is a `malformed` error and ends the connection,
   * `'null'` delivers null and goes on, as PHP does.
   * @defaultValue `'refuse'`
   */
  readonly invalid?: "refuse" | "null" | undefined;

  /**
   * What turns the text into a value, for a reviver or a check of its shape. Not together with `phpJson`.
   * @defaultValue `JSON.parse`
   */
  readonly parse?: ((text: string) => Out) | undefined;
}

/**
 * JSON as PHP writes and reads it (default flags, `json_decode($text, true)`): a payload codec for any framing.
 *
 * Writing: `/` and all but ASCII escaped, floats as PHP has them (`1.0e-5`, `-0`), bigints as 64-bit integers. NaN,
 * infinities, lone surrogates, more than 512 nested arrays, bigints beyond 64 bits, and objects such as Map or
 * Uint8Array are `unencodable`. Members that are undefined or functions are left out, and `toJSON` is honoured.
 *
 * Reading, stricter than `JSON.parse`: lone surrogates in escapes and more than 511 nested arrays are `malformed`.
 * Integers beyond 2^53 come as bigint, beyond 64 bits as the nearest number; `1e400` comes as Infinity, as in PHP, which
 * cannot be written again: check what you send back. Objects become PHP's arrays: `{}` and
 * `{"0":"a","1":"b"}` come as lists. PHP keeps the order of integer-like keys, JavaScript's objects sort them
 * first: that one difference stays.
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
        // A SyntaxError of the reader, which says it all: nothing else is thrown there.
        throw new ProtocolError("malformed", (error as Error).message, start);
      }
    },
    encode: (value, out) => void out.utf8(writePhpJson(value)),
    text: true,
    format: { name: "json" },
  });
}

/** The payload codec of jsonNL and jsonInt. */
export function jsonPayload<In, Out>(options: JsonOptions<Out>): Codec<In, Out> {
  const { phpJson: php = false, invalid = "refuse", parse } = options;
  if (php && parse !== undefined) throw new TypeError("phpJson has a parser of its own");
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
