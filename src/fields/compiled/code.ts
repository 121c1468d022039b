import type { Erased } from "../field.ts";

/** Lines of a function, and the values that they refer to. */
export class Code {
  readonly #lines: string[] = [];
  readonly #values: unknown[] = [];
  readonly #names = new Map<unknown, string>();
  #count = 0;

  line(text: string): void {
    this.#lines.push(text);
  }

  /** Stops here; the closures then say what is wrong. */
  refuseIf(condition: string): void {
    this.line(`if (${condition}) throw bad;`);
  }

  /** A new variable with that value. */
  keep(expression: string): string {
    const name = this.fresh();
    this.line(`const ${name} = ${expression};`);
    return name;
  }

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

  get text(): string {
    return this.#lines.join("\n");
  }
}

/** What code is made for: calls of the field itself refer to the function that is being made. */
export interface Root {
  readonly field: Erased;
  readonly code: Code;
}

/** A number as code. */
export const literal = (n: number | bigint): string =>
  typeof n === "bigint" ? `${n}n` : Object.is(n, -0) ? "0" : String(n);
