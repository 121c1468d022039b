import type { Output } from "../../core/index.ts";
import type { Cursor, Erased } from "../field.ts";
import { Code } from "./code.ts";
import { readCode } from "./read-code.ts";
import { writeCode } from "./write-code.ts";

/** Functions without error texts: what is wrong, the closures say. */
export interface Fast {
  read(bytes: Uint8Array, at: number, end: number, cursor: Cursor): unknown;
  write(value: unknown, out: Output): void;
}

/** Source text of both functions, and the values that it refers to. */
export interface Generated {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Writes code for a field. Names from descriptions enter it only as JSON strings. */
export function generate(field: Erased): Generated {
  const reading = new Code();
  const value = readCode({ field, code: reading }, field, "e");
  const writing = new Code();
  writeCode({ field, code: writing }, field, "v");
  const names = (code: Code): string => code.values.map((_, i) => `k${i}`).join(", ");
  const text = [
    '"use strict";',
    "const bad = new Error('not like this');",
    "const read = (() => {",
    `const [${names(reading)}] = reads;`,
    "return function read(b, p, e, c) {",
    reading.text,
    `const result = ${value};`,
    "c.at = p;",
    "return result;",
    "};",
    "})();",
    "const write = (() => {",
    `const [${names(writing)}] = writes;`,
    "return function write(v, o) {",
    writing.text,
    "};",
    "})();",
    "return { read, write };",
  ].join("\n");
  return { text, values: [reading.values, writing.values] };
}

/**
 * Makes the functions.
 *
 * @throws EvalError where the runtime forbids it
 */
export function build(field: Erased): Fast {
  const { text, values } = generate(field);
  // biome-ignore lint/style/noRestrictedGlobals: asked for by whoever imports this entry; without it there are closures
  const make = new Function("reads", "writes", text) as (...values: unknown[]) => Fast;
  return make(...values);
}
