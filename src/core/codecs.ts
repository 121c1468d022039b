import { ProtocolError } from "./errors.ts";
import { sliceLatin1 } from "./host.ts";
import { parseJson, parseWith } from "./json-read.ts";
import { stringify } from "./json-write.ts";
import { viewOf } from "./memory.ts";
import { checkOptions } from "./options.ts";
import type { Codec } from "./protocol.ts";
import { checked, type SchemaInput, type SchemaOutput, type StandardSchema } from "./schema.ts";
import { standsFor } from "./text-path.ts";
import { decodeUtf8 } from "./utf8.ts";

/**
 * Bytes, unchanged. Decoded values are views of received memory, which is never reused, so they never change
 * under you. With `copy` each value is copied, so a small value does not keep its whole chunk in memory.
 *
 * @param options - `copy`: decode into fresh memory
 * @defaultValue copy false
 */
export function raw(options: { readonly copy?: boolean | undefined } = {}): Codec<Uint8Array> {
  checkOptions("raw", options, ["copy"]);
  const { copy = false } = options;
  return Object.freeze<Codec<Uint8Array>>({
    decode: (bytes, start, end) => (copy ? bytes.slice(start, end) : viewOf(bytes, start, end)),
    encode: (value, out) => void out.bytes(value),
  });
}

/**
 * Text as strict UTF-8: other bytes are `malformed`, a lone surrogate is `unencodable`. A byte order mark is
 * part of the text.
 */
export function utf8(): Codec<string> {
  return Object.freeze<Codec<string>>({
    decode: decodeUtf8,
    encode: (text, out) => void out.utf8(text),
    text: true,
  });
}

/**
 * Text in ISO 8859-1 (Latin-1): one byte per character, U+0000 to U+00FF. Every byte is valid, so it also suits ASCII
 * with a few odd bytes in it. Characters above U+00FF are `unencodable`.
 *
 * This is not Windows-1252, which browsers mean by "latin1": the bytes 0x80 to 0x9f are control characters. For
 * other charsets write a codec around a `TextDecoder`.
 *
 * @example
 * ```ts
 * import { decodeFrame, encodeFrame, latin1, lines } from "framewright";
 *
 * const names = lines().wrap(latin1());
 * const frame = encodeFrame(names, "é");
 * console.log(frame.join(" "), decodeFrame(names, frame));
 * //=> 233 10 é
 * ```
 */
export function latin1(): Codec<string> {
  return Object.freeze<Codec<string>>({
    decode: decodeLatin1,
    encode(text, out) {
      if (typeof text !== "string") {
        throw new ProtocolError("unencodable", `text cannot hold ${typeof text}`);
      }
      const at = out.reserve(text.length);
      const room = out.view(at);
      for (let i = 0; i < text.length; i++) {
        const unit = text.charCodeAt(i);
        if (unit > 0xff) {
          const reason = `character at index ${i} of ${text.length} is not in Latin-1`;
          throw new ProtocolError("unencodable", reason);
        }
        room[i] = unit;
      }
    },
  });
}

/** Latin-1 bytes as text. @internal */
export function decodeLatin1(bytes: Uint8Array, start: number, end: number): string {
  if (sliceLatin1 !== undefined) return sliceLatin1(bytes, start, end);
  let text = "";
  // In runs: String.fromCharCode takes its arguments from the stack.
  for (let at = start; at < end; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, Math.min(at + 4096, end)));
  }
  return text;
}

const JSON_TEXT = Object.freeze({ name: "json" });

/**
 * JSON text (RFC 8259) as strict UTF-8, without byte order mark.
 *
 * Written as `JSON.stringify` writes it, but a value that JSON cannot represent is `unencodable` instead of
 * being changed or dropped:
 *
 * - `undefined`, functions and symbols (as the value or in an array), NaN, infinities, bigints, invalid dates
 * - Map, Set, ArrayBuffer, typed arrays, DataView, Error, RegExp, Promise and the like
 * - arrays with holes or named members, cycles, strings with a lone surrogate
 * - more than 512 levels of arrays and objects
 *
 * As always in JavaScript, members of objects that are `undefined`, functions or symbols are left out, -0 becomes 0, and
 * `toJSON` is honoured. Getters may be read twice.
 *
 * Reading refuses text that could not be written again, so a received value can always be sent back: a number
 * such as `1e999`, which JavaScript would read as Infinity, an escape such as `\ud800` that is half of a
 * pair, more than 512 levels. These are `malformed`, like text that is not JSON. Keys such as `__proto__`
 * stay plain data.
 *
 * @param options - `parse`: turns the text into a value, instead of `JSON.parse`: for a reviver, bigints, or
 *   a check of the value's shape. An error that it throws is reported as `malformed`. It is synchronous; a
 *   promise is a TypeError. Its result is not checked. `schema`: a Standard Schema of Zod, Valibot, ArkType
 *   or another library, see {@link checked}; the types are those of the schema.
 *
 * @example
 * ```ts
 * import { decodeFrame, encodeFrame, json, lines } from "framewright";
 *
 * const dates = lines().wrap(
 *   json<{ at: Date }>({
 *     parse: (text) => JSON.parse(text, (key, value) => (key === "at" ? new Date(value) : value)),
 *   }),
 * );
 * const frame = encodeFrame(dates, { at: new Date(0) });
 * console.log(decodeFrame(dates, frame).at.getTime());
 * //=> 0
 * ```
 */
export function json<In = unknown, Out = In>(options?: {
  readonly parse?: ((text: string) => Out) | undefined;
  readonly schema?: undefined;
}): Codec<In, Out>;
/** With the types of a schema. */
export function json<S extends StandardSchema>(options: {
  readonly parse?: ((text: string) => unknown) | undefined;
  readonly schema: S;
}): Codec<SchemaInput<S>, SchemaOutput<S>>;
export function json<In, Out>(
  options: {
    readonly parse?: ((text: string) => Out) | undefined;
    readonly schema?: StandardSchema | undefined;
  } = {},
): Codec<In, Out> {
  checkOptions("json", options, ["parse", "schema"]);
  const { parse, schema } = options;
  if (schema !== undefined) return checked(json<In, Out>({ parse }), schema) as Codec<In, Out>;
  const decode: Codec<In, Out>["decode"] = (bytes, start, end) => {
    const text = decodeUtf8(bytes, start, end);
    if (parse !== undefined) return parseWith(parse, text, start, end - start);
    return parseJson(text, start, end - start) as Out;
  };
  const encode: Codec<In, Out>["encode"] = (value, out) => void out.utf8(stringify(value));
  const decodeText = (text: string, start: number, end: number): Out =>
    parseJson(text.slice(start, end)) as Out;
  return Object.freeze<Codec<In, Out>>({
    decode,
    encode,
    // The user's `parse` may keep pieces of the text, and with them all of it.
    ...(parse === undefined && { decodeText: standsFor(decodeText, decode) }),
    encodeText: standsFor((value: In) => stringify(value), encode),
    text: true,
    format: JSON_TEXT,
  });
}
