import { CodeText, evaluate, type Framing, type Output } from "../../core/index.ts";
import type { Cursor, Erased } from "../field.ts";
import type { Aim } from "../protocol-of.ts";
import { measureCode } from "./measure-code.ts";
import { readCode } from "./read-code.ts";
import { writeCode } from "./write-code.ts";

/** Functions without error texts: the closures report errors. */
export interface Fast {
  read(bytes: Uint8Array, at: number, end: number, cursor: Cursor): unknown;
  write(value: unknown, out: Output): void;
  /** Passes bytes that it refuses to the closures. */
  decode(bytes: Uint8Array, start: number, end: number): unknown;
}

type Measure = Framing["measure"];

/** The body of a function, and the list of values to which it refers. */
export interface Generated {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Writes code for a field. Names from descriptions enter it only as JSON strings. */
export function generate(field: Erased): Generated {
  const code = new CodeText();
  const root = { field, code };
  code.line("const bad = new Error('not like this');");
  code.line("function read(b, p, e, c) {");
  const value = readCode(root, field, "e");
  code.line(`const result = ${value};`);
  code.line("c.at = p;");
  code.line("return result;");
  code.line("}");
  code.line("const cursor = { at: 0 };");
  code.line("function decode(b, s, e) {");
  code.line("try {");
  code.line("const value = read(b, s, e, cursor);");
  code.line("if (cursor.at === e) return value;");
  code.line("} catch {}");
  code.line(`return ${code.value(field.decode)}(b, s, e);`);
  code.line("}");
  code.line("function write(v, o) {");
  writeCode(root, field, "v");
  code.line("}");
  code.line("return { read, write, decode };");
  return { text: `${code.bindings("values")}\n${code.text}`, values: code.values };
}

/**
 * Writes code that finds the end of a frame.
 *
 * @param slow - the closures, which handle everything except the simple cases
 * @returns undefined if only they can measure the field
 */
export function generateMeasure(field: Erased, aim: Aim, slow: Measure): Generated | undefined {
  const code = new CodeText();
  const name = code.value(slow);
  code.line("const c = { at: 0 };");
  code.line("return function measure(b, s, e, scan) {");
  // A search continues where it stopped.
  code.refusal = `return ${name}(b, s, e, scan);`;
  code.refuseIf("scan.memo !== undefined");
  code.line("try {");
  if (!measureCode({ field, code }, aim)) return undefined;
  code.line(`} catch { ${code.refusal} }`);
  code.line("};");
  return { text: `${code.bindings("values")}\n${code.text}`, values: code.values };
}

/**
 * Makes the functions.
 *
 * @throws if the runtime forbids it
 */
export function build<F>({ text, values }: Generated): F {
  return evaluate<(values: readonly unknown[]) => F>(["values"], text)(values);
}
