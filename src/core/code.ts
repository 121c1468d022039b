import { unicodeEscape } from "./escape.ts";
import { reportsEval } from "./host.ts";

/*
 * Code that is written at run time. The descriptions of fields and the schemas of sproto are turned into text
 * with the parts of this file, which is the only one that runs such text.
 */

/** Lines of code, and the values that they refer to by name. */
export class CodeText {
  readonly #lines: string[] = [];
  readonly #values: unknown[] = [];
  readonly #names = new Map<unknown, string>();
  #count = 0;
  readonly #helpers = new Set<string>();
  #indent = "";
  /** The statement that ends the function if a condition fails. */
  refusal = "throw bad;";

  line(...texts: readonly string[]): void {
    for (const text of texts) this.#lines.push(this.#indent + text);
  }

  /** A line that begins a block, the indented lines that `inside` adds, and the line that ends it. */
  block(head: string, inside: () => void, tail = "}"): void {
    this.line(head);
    const before = this.#indent;
    this.#indent += "  ";
    inside();
    this.#indent = before;
    this.line(tail);
  }

  /** The name of a function of the runtime, which is added to `helpers`. */
  use(helper: string): string {
    this.#helpers.add(helper);
    return helper;
  }

  /** Sorted names of the functions that the code calls. */
  get helpers(): readonly string[] {
    return Array.from(this.#helpers).sort();
  }

  refuseIf(condition: string): void {
    this.line(`if (${condition}) ${this.refusal}`);
  }

  /** Adds a constant with that value; returns its name. */
  keep(expression: string): string {
    const name = this.fresh();
    this.line(`const ${name} = ${expression};`);
    return name;
  }

  /** A name that is not in use. */
  fresh(): string {
    return `v${this.#count++}`;
  }

  /** The name of a value that cannot be written as code: a function, a map, bytes. */
  value(value: unknown): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const name = `k${this.#values.length}`;
    this.#values.push(value);
    this.#names.set(value, name);
    return name;
  }

  get values(): readonly unknown[] {
    return this.#values;
  }

  /** The statement that names the values, which are in a list of the given name. */
  bindings(list: string): string {
    return `const [${this.#values.map((_, i) => `k${i}`).join(", ")}] = ${list};`;
  }

  get text(): string {
    return this.#lines.join("\n");
  }
}

/** True if the name can stand in code as it is. */
export const isIdentifier = (name: string): boolean => /^[A-Za-z_$][\w$]*$/.test(name);

/** A string as code, in ASCII. Names that users choose enter code only in this form. */
export const quoted = (text: string): string =>
  JSON.stringify(text).replace(/[^ -~]/g, unicodeEscape);

/** A number as code. */
export const literal = (n: number | bigint): string =>
  typeof n === "bigint" ? `${n}n` : Object.is(n, -0) ? "0" : String(n);

/** `v.name`, or `v["na me"]`. */
export const memberCode = (object: string, name: string): string =>
  isIdentifier(name) ? `${object}.${name}` : `${object}[${quoted(name)}]`;

/** The name of a property in an object literal; `__proto__: x` there would set the prototype. */
export const keyCode = (name: string): string =>
  name === "__proto__" ? '["__proto__"]' : isIdentifier(name) ? name : quoted(name);

/**
 * Makes a function from text.
 *
 * @param parameters - their names
 * @param body - statements, which are strict
 * @throws EvalError, or another error, if the runtime forbids that: a content security policy, Cloudflare Workers, Hermes
 */
export function evaluate<F>(parameters: readonly string[], body: string): F {
  // biome-ignore lint/style/noRestrictedGlobals: callers have an alternative if it is forbidden
  return new Function(...parameters, `"use strict";\n${body}`) as F;
}

/**
 * Runs `make`, which evaluates code, and falls back to `otherwise` if the runtime forbids it.
 *
 * @param wanted - "compiled" requires code, and "interpreted" never tries it. "auto" does not try it in
 *   browsers: under a content security policy the attempt alone is reported to the owner of the page.
 */
export function compiledOr<T>(
  wanted: "auto" | "compiled" | "interpreted",
  make: () => T,
  otherwise: () => T,
): T {
  if (wanted === "compiled") return make();
  if (wanted === "interpreted" || reportsEval()) return otherwise();
  try {
    return make();
  } catch {
    return otherwise();
  }
}
