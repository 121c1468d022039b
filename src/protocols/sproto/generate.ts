import { CodeText, keyCode, memberCode, quoted } from "../../core/index.ts";
import { type FieldPlan, planOf, roomOf } from "./plan.ts";
import type { Schema, SchemaType } from "./schema.ts";

/*
 * Generates code for the types of a schema: the loops of the interpreter unrolled, with one
 * function to write and one to read each type. It has two forms: JavaScript for `new Function`, and
 * TypeScript for modules that are written ahead of time.
 *
 * Names of a schema appear in the code only as property names, quoted unless they are plain
 * identifiers. Error texts are looked up by index.
 */

/** Placeholder for a type in TypeScript. The JSON strings written here cannot contain it. */
const TYPE = "\uE000";

/**
 * Generates the body of a function that takes `rt`, a `Runtime`, and returns an `Engine`.
 *
 * @param schema - the schema with the types
 * @param form - JavaScript, or TypeScript with types
 * @param width - maximum columns of a line
 */
export function generate(schema: Schema, form: "js" | "ts", width = 80): string {
  const functions = new CodeText();
  for (const type of schema.types) {
    const one = new TypeCode(functions, type, planOf(type), width);
    functions.line("");
    one.encoder();
    functions.line("");
    one.decoder();
  }
  const names = new CodeText();
  for (const helper of functions.helpers) names.line(`const ${helper} = rt.${helper};`);
  schema.types.forEach((type, index) => {
    names.line(`const n${index} = rt.name(${index});`);
    type.fields.forEach((field, nth) => {
      names.line(`const l${index}_${nth} = rt.label(${index}, ${nth});`);
      if (field.key !== undefined) names.line(`const m${index}_${nth} = rt.map(${index}, ${nth});`);
    });
  });
  names.line("let stop = 0;", "const stopped = () => stop;");
  const lists = new CodeText();
  lists.line("", `const encoders${TYPE} = [];`, `const decoders${TYPE} = [];`);
  for (const { index } of schema.types) {
    lists.line(`encoders.push(e${index});`, `decoders.push(d${index});`);
  }
  lists.line("return { encoders, decoders, stop: stopped };");
  return [names, functions, lists]
    .map(({ text }) => text)
    .join("\n")
    .replaceAll(TYPE, form === "ts" ? ": any" : "");
}

/** Fields whose data has a fixed size, with its length. */
const FIXED: ReadonlySet<FieldPlan["op"]> = new Set(["integer", "fixed", "double"]);

/** The functions of one type. */
class TypeCode {
  readonly #code: CodeText;
  readonly #fields: readonly FieldPlan[];
  readonly #index: number;
  readonly #width: number;

  constructor(code: CodeText, type: SchemaType, fields: readonly FieldPlan[], width: number) {
    this.#code = code;
    this.#fields = fields;
    this.#index = type.index;
    this.#width = width;
  }

  /** True if the line is short enough inside a function. */
  #fits(line: string): boolean {
    return 2 + line.replaceAll(TYPE, ": any").length <= this.#width;
  }

  #label(nth: number): string {
    return `l${this.#index}_${nth}`;
  }

  encoder(): void {
    // Names of unused parameters begin with _: compilers and linters may require it.
    const depth = this.#fields.length > 0 ? "d" : "_d";
    const head = `function e${this.#index}(w${TYPE}, v${TYPE}, ${depth}${TYPE}) {`;
    this.#code.block(head, () => this.#encode());
  }

  #encode(): void {
    const code = this.#code;
    const fields = this.#fields;
    const name = `n${this.#index}`;
    const fixed = fields.filter(({ op }) => FIXED.has(op)).length;
    code.line(`if (typeof v !== "object" || v === null) ${code.use("noStruct")}(v, ${name});`);
    fields.forEach((field, nth) => {
      const read = field.inherited
        ? `${code.use("own")}(v, ${quoted(field.name)})`
        : memberCode("v", field.name);
      const word = field.op === "integer" || field.op === "fixed" ? "let" : "const";
      const line = `${word} f${nth}${TYPE} = ${read};`;
      if (this.#fits(line)) code.line(line);
      else code.line(`${word} f${nth}${TYPE} =`, `  ${read};`);
    });
    code.line(
      `w.need(${roomOf(fields) + 12 * fixed});`,
      `${fields.some(isSized) ? "let" : "const"} b = w.bytes;`,
      "const h = w.at;",
      `${fields.length > 0 ? "let" : "const"} r = h + 6;`,
    );
    if (fields.length > 0) code.line("let t = 0;");
    fields.forEach((field, nth) => {
      this.#record(field, nth);
    });
    code.line("const n = (r - h - 6) >> 1;", "b[h + 4] = n;", "b[h + 5] = n >> 8;");
    if (fields.length === 0) code.line(`${code.use("checkEmpty")}(v, ${name});`);
    else {
      code.line(
        `if (t === 0) ${code.use("checkEmpty")}(v, ${name});`,
        `else if (d > w.maxDepth) ${code.use("deepWrite")}(w, ${name});`,
      );
    }
    code.line("w.at = r;");
    let rest = 12 * fixed;
    fields.forEach((field, nth) => {
      if (FIXED.has(field.op)) rest -= 12;
      this.#data(field, nth, rest);
    });
    code.line(`${code.use("size")}(w, h);`);
  }

  /** Writes the record of a field, and the skip word before it. */
  #record({ op, tag, factor }: FieldPlan, nth: number): void {
    const code = this.#code;
    const f = `f${nth}`;
    const i = `i${nth}`;
    const label = this.#label(nth);
    const isNumber = op === "integer" || op === "fixed";
    if (isNumber) code.line(`let ${i} = 0;`);
    code.block(`if (${f} !== undefined) {`, () => {
      if (tag > 0) code.line(`if (t !== ${tag}) r = ${code.use("skip")}(b, r, t, ${tag});`);
      if (op === "fixed") code.line(`${f} = ${code.use("fixed")}(${f}, ${factor}, ${label});`);
      if (op === "integer") {
        code.block(`if (typeof ${f} !== "number" || (${f} | 0) !== ${f}) {`, () =>
          code.line(`${f} = ${code.use("integer")}(${f}, ${label});`),
        );
      }
      if (isNumber) {
        code.line(`if (${f} >= 0 && ${f} < 32767) ${i} = (${f} + 1) * 2;`);
        code.line(`b[r] = ${i};`, `b[r + 1] = ${i} >> 8;`);
      } else if (op === "boolean") {
        code.line(`b[r] = ${code.use("boolean")}(${f}, ${label}) * 2 + 2;`, "b[r + 1] = 0;");
      } else code.line("b[r] = 0;", "b[r + 1] = 0;");
      code.line("r += 2;", `t = ${tag + 1};`);
    });
  }

  /** Writes the data of a field, and makes room for `rest` bytes after it. */
  #data({ op, type, factor }: FieldPlan, nth: number, rest: number): void {
    const code = this.#code;
    const f = `f${nth}`;
    const label = this.#label(nth);
    const wrap = (...body: readonly string[]): void =>
      code.block(`if (${f} !== undefined) {`, () => code.line(...body));
    /** Wraps a call that may replace the memory. */
    const grown = (...body: readonly string[]): void =>
      wrap(...body, ...(rest > 0 ? [`w.need(${rest});`] : []), "b = w.bytes;");
    const structs = (list: string): void =>
      grown(`const a = ${list};`, `${code.use("structs")}(w, a, e${type}, d + 1, ${label});`);
    switch (op) {
      case "boolean":
        break;
      case "integer":
      case "fixed":
        code.block(`if (${f} !== undefined && i${nth} === 0) {`, () =>
          code.line(`w.at = ${code.use("wide")}(b, w.at, ${f});`),
        );
        break;
      case "double":
        wrap(`w.at = ${code.use("double")}(w, w.at, ${f}, ${label});`);
        break;
      case "text":
      case "blob":
        wrap(`${code.use(op)}(w, ${f}, ${rest}, ${label});`, "b = w.bytes;");
        break;
      case "struct":
        grown(`${code.use("checkStruct")}(${f}, ${label});`, `e${type}(w, ${f}, d + 1);`);
        break;
      case "structs":
        structs(`${code.use("list")}(${f}, ${label})`);
        break;
      case "keyed":
      case "entries":
        structs(`${code.use(op)}(${f}, m${this.#index}_${nth}, ${label})`);
        break;
      case "integers":
      case "fixeds":
        grown(`${code.use("integers")}(w, ${f}, ${factor}, ${label});`);
        break;
      default:
        grown(`${code.use(op)}(w, ${f}, ${label});`);
    }
  }

  decoder(): void {
    const head = `function d${this.#index}(b${TYPE}, s${TYPE}, e${TYPE}, d${TYPE})${TYPE} {`;
    this.#code.block(head, () => this.#decode());
  }

  #decode(): void {
    const code = this.#code;
    const fields = this.#fields;
    const name = `n${this.#index}`;
    const extent = `if (w === 0) p = ${code.use("extent")}(b, p, e, ${name});`;
    code.line(
      `const n = ${code.use("records")}(b, s, e, ${name});`,
      `if (n > 0 && d > ${code.use("maxDepth")}) ${code.use("deepRead")}(${name}, s);`,
      ...fields.map((_, nth) => `let f${nth}${TYPE};`),
      "const z = s + 2 + 2 * n;",
      "let p = z;",
    );
    if (fields.length > 0) code.line("let t = 0;");
    code.block("for (let r = s + 2; r < z; r += 2) {", () => {
      code.line("const w = b[r] | (b[r + 1] << 8);");
      if (fields.length === 0) return code.line(extent);
      code.block("if ((w & 1) !== 0) {", () => code.line("t += (w >> 1) + 1;", "continue;"));
      code.line("const q = w === 0 ? p + 4 : r;", extent);
      code.block("switch (t++) {", () => {
        fields.forEach((field, nth) => {
          const found = (): void => this.#found(field, nth);
          code.block(`case ${field.tag}:`, found, "  break;");
        });
      });
    });
    this.#result();
  }

  /** Reads a field: its record is `w`, its data is from `q` to `p`. */
  #found({ op, type, factor }: FieldPlan, nth: number): void {
    const code = this.#code;
    const f = `f${nth}`;
    const label = this.#label(nth);
    const read = (helper: string, ...more: readonly string[]): string =>
      `${f} = ${code.use(helper)}(${["b, q, p", ...more].join(", ")});`;
    switch (op) {
      case "integer":
        code.block(
          "if (w !== 0) {",
          () =>
            code.line(
              `${f} = (w >> 1) - 1;`,
              `if (${code.use("small")} !== undefined) ${f} = small(${f});`,
            ),
          "} else {",
        );
        code.line(`  ${read("readInteger", label)}`, "}");
        return;
      case "fixed":
        code.line(
          `if (w !== 0) ${f} = ((w >> 1) - 1) / ${factor};`,
          `else ${read("readFixed", String(factor), label)}`,
        );
        return;
      case "boolean":
        code.line(`if (w === 0) ${code.use("inline")}(w, ${label}, q);`, `${f} = w !== 2;`);
        return;
    }
    code.line(`if (w !== 0) ${code.use("data")}(w, ${label}, q);`);
    switch (op) {
      case "text":
        code.line(read("readText", label));
        break;
      case "blob":
        code.line(read("readBlob"));
        break;
      case "double":
        code.line(read("readDouble", label));
        break;
      case "struct":
        code.line(
          `${f} = d${type}(b, q, p, d + 1);`,
          `if (stop !== p) ${code.use("notFilled")}(stop, p, ${label});`,
        );
        break;
      case "booleans":
        code.line(read("readBooleans"));
        break;
      case "integers":
      case "doubles":
      case "texts":
      case "blobs":
        code.line(read(`read${op[0]!.toUpperCase()}${op.slice(1)}`, label));
        break;
      case "fixeds":
        code.line(read("readFixeds", String(factor), label));
        break;
      default: {
        code.line(read("readStructs", `d${type}`, "stopped", "d + 1", label));
        if (op === "structs") break;
        code.line(`${f} = ${code.use("mapOf")}(${f}, m${this.#index}_${nth}, ${label}, q);`);
      }
    }
  }

  /** Creates the object: at once if all fields are there, so that V8 need not grow it. */
  #result(): void {
    const code = this.#code;
    const fields = this.#fields;
    code.line("stop = p;");
    if (fields.length === 0) {
      code.line("return {};");
      return;
    }
    const conditions = fields.map((_, nth) => `f${nth} !== undefined`);
    const condition = `if (${conditions.join(" && ")}) {`;
    if (this.#fits(condition)) code.line(condition);
    else {
      const last = conditions.length - 1;
      code.line("if (", ...conditions.map((one, i) => `  ${one}${i < last ? " &&" : ""}`), ") {");
    }
    code.line("  return {", ...fields.map(({ name }, nth) => `    ${keyCode(name)}: f${nth},`));
    code.line("  };", "}", `const o${TYPE} = {};`);
    fields.forEach(({ name, inherited }, nth) => {
      const set = inherited
        ? `${code.use("define")}(o, ${quoted(name)}, f${nth});`
        : `${memberCode("o", name)} = f${nth};`;
      code.line(`if (f${nth} !== undefined) ${set}`);
    });
    code.line("return o;");
  }
}

/** True if the size of the data is not known in advance: writing it may replace the memory. */
function isSized({ op }: FieldPlan): boolean {
  return op !== "boolean" && !FIXED.has(op);
}
