import { checkInteger, checkOptions } from "../../core/index.ts";
import { DEFAULT_MAX_SIZE } from "./pack.ts";

/** How a schema encodes and decodes. */
export interface SprotoOptions {
  /**
   * `'compiled'`: code is generated for each type, with `new Function`. `'interpreted'`: no code is generated.
   * `'auto'`: code is generated if the runtime allows it, but never in browsers: a content security policy may have the
   * attempt reported, so there you must ask for `'compiled'`. The results are the same; generated code is two to three
   * times as fast.
   * @defaultValue `'auto'`
   */
  readonly engine?: "auto" | "compiled" | "interpreted" | undefined;

  /**
   * What a decoded integer is. `'auto'`: a number where that is exact, else a bigint. `'bigint'`: always a
   * bigint. `'number'`: always a number; an integer beyond 2^53 is `malformed`. Encoding takes numbers and
   * bigints whatever is said here.
   * @defaultValue `'auto'`
   */
  readonly int64?: "auto" | "bigint" | "number" | undefined;

  /**
   * What a decoded `*T(key)` or `*T()` is: a Map, or an object without a prototype. (A map whose key is
   * binary is always a Map.) Encoding takes both, and iterables.
   * @defaultValue `'map'`
   */
  readonly maps?: "map" | "object" | undefined;

  /**
   * What a decoded string is. `'utf8'`: text, strict UTF-8. `'bytes'`: a Uint8Array, for peers that put
   * anything into strings; encoding then takes text too.
   * @defaultValue `'utf8'`
   */
  readonly strings?: "utf8" | "bytes" | undefined;

  /**
   * Decode bytes into memory of their own. Else they are views of the bytes decoded.
   * @defaultValue false
   */
  readonly copy?: boolean | undefined;

  /**
   * How deep messages may be nested, the outermost one included.
   * @defaultValue 64
   */
  readonly maxDepth?: number | undefined;

  /**
   * Largest message in bytes, packed or not, reading and writing; of one that is packed, with the padding to a multiple
   * of 8. The limit of the frame around it is another one.
   * @defaultValue 16 MiB
   */
  readonly maxSize?: number | undefined;
}

/** The options, none of them missing. */
export type Settings = {
  readonly [K in keyof SprotoOptions]-?: Exclude<SprotoOptions[K], undefined>;
};

const KNOWN = ["engine", "int64", "maps", "strings", "copy", "maxDepth", "maxSize"];

/** @throws RangeError for an invalid option, TypeError for an unknown one */
export function settingsOf(options: SprotoOptions): Settings {
  checkOptions("sproto", options, KNOWN);
  const { engine = "auto", int64 = "auto", maps = "map", strings = "utf8" } = options;
  const { copy = false, maxDepth = 64, maxSize = DEFAULT_MAX_SIZE } = options;
  oneOf("engine", engine, ["auto", "compiled", "interpreted"]);
  oneOf("int64", int64, ["auto", "bigint", "number"]);
  oneOf("maps", maps, ["map", "object"]);
  oneOf("strings", strings, ["utf8", "bytes"]);
  // The call stack is the true limit of nesting.
  checkInteger("maxDepth", maxDepth, 1, 1000);
  // Lengths are 32 bits wide, and read as signed numbers.
  checkInteger("maxSize", maxSize, 1, 0x7fff_ffff);
  return Object.freeze({ engine, int64, maps, strings, copy, maxDepth, maxSize });
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) {
    throw new RangeError(`${name} must be one of ${allowed.join(", ")}, not ${value}`);
  }
}
