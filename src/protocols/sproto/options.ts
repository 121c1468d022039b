import { checkInteger, checkOptions } from "../../core/index.ts";
import { DEFAULT_MAX_SIZE } from "./pack.ts";

/** Options for a schema's encoding and decoding. */
export interface SprotoOptions {
  /**
   * `'compiled'` generates code for each type, with `new Function`. `'interpreted'` does not.
   * `'auto'` generates code if the runtime allows it, but never in browsers, because a content
   * security policy may report the attempt: set `'compiled'` there. The results are the same;
   * generated code is two to three times as fast.
   * @defaultValue `'auto'`
   */
  readonly engine?: "auto" | "compiled" | "interpreted" | undefined;

  /**
   * Type of decoded integers. `'auto'`: a number if exact, otherwise a bigint. `'bigint'`: always a
   * bigint. `'number'`: always a number; an integer beyond 2^53 is `malformed`. Encoding always
   * accepts numbers and bigints.
   * @defaultValue `'auto'`
   */
  readonly int64?: "auto" | "bigint" | "number" | undefined;

  /**
   * Type of a decoded `*T(key)` or `*T()`: a Map, or an object without a prototype. (A map whose
   * key is binary is always a Map.) Encoding accepts both, and iterables.
   * @defaultValue `'map'`
   */
  readonly maps?: "map" | "object" | undefined;

  /**
   * Type of decoded strings. `'utf8'`: text, strict UTF-8. `'bytes'`: a Uint8Array, for peers that
   * put any bytes into strings; encoding then accepts text too.
   * @defaultValue `'utf8'`
   */
  readonly strings?: "utf8" | "bytes" | undefined;

  /**
   * Copies decoded bytes. Without it, they are views of the input.
   * @defaultValue false
   */
  readonly copy?: boolean | undefined;

  /**
   * Maximum nesting depth of messages, including the outermost one.
   * @defaultValue 64
   */
  readonly maxDepth?: number | undefined;

  /**
   * Largest message in bytes, packed or not, for reading and writing; for a packed one, with its
   * padding to a multiple of 8. The frame around it has its own limit.
   * @defaultValue 16 MiB
   */
  readonly maxSize?: number | undefined;
}

/** The options, with defaults filled in. */
export type Settings = {
  readonly [K in keyof SprotoOptions]-?: Exclude<SprotoOptions[K], undefined>;
};

const KNOWN = ["engine", "int64", "maps", "strings", "copy", "maxDepth", "maxSize"];

/**
 * Checks the options, and fills in defaults.
 *
 * @throws RangeError for an invalid option, TypeError for an unknown one
 */
export function settingsOf(options: SprotoOptions): Settings {
  checkOptions("sproto", options, KNOWN);
  const { engine = "auto", int64 = "auto", maps = "map", strings = "utf8" } = options;
  const { copy = false, maxDepth = 64, maxSize = DEFAULT_MAX_SIZE } = options;
  oneOf("engine", engine, ["auto", "compiled", "interpreted"]);
  oneOf("int64", int64, ["auto", "bigint", "number"]);
  oneOf("maps", maps, ["map", "object"]);
  oneOf("strings", strings, ["utf8", "bytes"]);
  // The call stack is the real limit of nesting.
  checkInteger("maxDepth", maxDepth, 1, 1000);
  // Lengths are 32 bits wide, and are read as signed numbers.
  checkInteger("maxSize", maxSize, 1, 0x7fff_ffff);
  return Object.freeze({ engine, int64, maps, strings, copy, maxDepth, maxSize });
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) {
    throw new RangeError(`${name} must be one of ${allowed.join(", ")}, not ${value}`);
  }
}
