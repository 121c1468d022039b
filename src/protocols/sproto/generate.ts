import { keyCode, memberCode, quoted } from "../../core/index.ts";
import { type FieldPlan, planOf, roomOf } from "./plan.ts";
import type { Schema, SchemaType } from "./schema.ts";

/*
 * Code for the types of a schema: the loops of the interpreter unrolled, a function for writing and one for
 * reading each type. One generator, two forms: JavaScript for `new Function`, and TypeScript for the command
 * that writes a module ahead of time.
 *
 * What a schema names enters the code as names of properties only, quoted wherever it is not a plain
 * identifier. Error texts are looked up by index.
 */

/** In TypeScript a type is put where this stands. JSON strings, as they are written here, cannot hold it. */
const TYPE = "\uE000";

/** Lines of code, indented. */
type Lines = string[];

/**
 * Generates the body of a function that is given `rt`, a `Runtime`, and gives an `Engine`.
 *
 * @param schema - its types
 * @param form - without types, or with them
 * @param width - columns that a line may have
 */
export function generate(schema: Schema, form: "js" | "ts", width = 80): string {
  const lines: Lines = [];
  const helpers = new Set<string>();
  const plans = schema.types.map(planOf);
  const functions: Lines = [];
  schema.types.forEach((type, index) => {
    const plan = plans[index]!;
    const code = new Code(helpers, type, plan, width);
    functions.push("", ...code.encoder(), "", ...code.decoder());
  });
  for (const helper of [...helpers].sort()) lines.push(`const ${helper} = rt.${helper};`);
  schema.types.forEach((type, index) => {
    lines.push(`const n${index} = rt.name(${index});`);
    type.fields.forEach((field, nth) => {
      lines.push(`const l${index}_${nth} = rt.label(${index}, ${nth});`);
      if (field.key !== undefined) lines.push(`const m${index}_${nth} = rt.map(${index}, ${nth});`);
    });
  });
  lines.push("let stop = 0;", "const stopped = () => stop;", ...functions, "");
  lines.push(`const encoders${TYPE} = [];`, `const decoders${TYPE} = [];`);
  for (const { index } of schema.types) {
    lines.push(`encoders.push(e${index});`, `decoders.push(d${index});`);
  }
  lines.push("return { encoders, decoders, stop: stopped };");
  return lines.join("\n").replaceAll(TYPE, form === "ts" ? ": any" : "");
}

/** Bytes of a field's data whose size is known before: length and number. */
const FIXED: ReadonlySet<FieldPlan["op"]> = new Set(["integer", "fixed", "double"]);

/** The functions of one type. */
class Code {
  readonly #helpers: Set<string>;
  readonly #fields: readonly FieldPlan[];
  readonly #index: number;
  readonly #width: number;

  constructor(helpers: Set<string>, type: SchemaType, fields: readonly FieldPlan[], width: number) {
    this.#helpers = helpers;
    this.#fields = fields;
    this.#index = type.index;
    this.#width = width;
  }

  /** Does the line fit? */
  #fits(line: string): boolean {
    return line.replaceAll(TYPE, ": any").length <= this.#width;
  }

  /** A helper of the runtime. */
  #use(helper: string): string {
    this.#helpers.add(helper);
    return helper;
  }

  #label(nth: number): string {
    return `l${this.#index}_${nth}`;
  }

  encoder(): Lines {
    const fields = this.#fields;
    const name = `n${this.#index}`;
    const fixed = fields.filter(({ op }) => FIXED.has(op)).length;
    // What is not used says so: compilers and linters may insist.
    const depth = fields.length > 0 ? "d" : "_d";
    const lines = [
      `function e${this.#index}(w${TYPE}, v${TYPE}, ${depth}${TYPE}) {`,
      `  if (typeof v !== "object" || v === null) ${this.#use("noStruct")}(v, ${name});`,
    ];
    fields.forEach((field, nth) => {
      const read = field.inherited
        ? `${this.#use("own")}(v, ${quoted(field.name)})`
        : memberCode("v", field.name);
      const word = field.op === "integer" || field.op === "fixed" ? "let" : "const";
      const line = `  ${word} f${nth}${TYPE} = ${read};`;
      if (this.#fits(line)) lines.push(line);
      else lines.push(`  ${word} f${nth}${TYPE} =`, `    ${read};`);
    });
    lines.push(`  w.need(${roomOf(fields) + 12 * fixed});`);
    lines.push(`  ${fields.some(isSized) ? "let" : "const"} b = w.bytes;`, "  const h = w.at;");
    lines.push(`  ${fields.length > 0 ? "let" : "const"} r = h + 6;`);
    if (fields.length > 0) lines.push("  let t = 0;");
    fields.forEach((field, nth) => {
      lines.push(...this.#record(field, nth));
    });
    lines.push("  const n = (r - h - 6) >> 1;", "  b[h + 4] = n;", "  b[h + 5] = n >> 8;");
    if (fields.length === 0) {
      lines.push(`  ${this.#use("checkEmpty")}(v, ${name});`);
    } else {
      lines.push(`  if (t === 0) ${this.#use("checkEmpty")}(v, ${name});`);
      lines.push(`  else if (d > w.maxDepth) ${this.#use("deepWrite")}(w, ${name});`);
    }
    lines.push("  w.at = r;");
    let rest = 12 * fixed;
    fields.forEach((field, nth) => {
      if (FIXED.has(field.op)) rest -= 12;
      lines.push(...this.#data(field, nth, rest));
    });
    lines.push(`  ${this.#use("size")}(w, h);`, "}");
    return lines;
  }

  /** The record of a field, and the skip word before it. */
  #record({ op, tag }: FieldPlan, nth: number): Lines {
    const f = `f${nth}`;
    const label = this.#label(nth);
    const lines: Lines = [];
    if (op === "integer" || op === "fixed") lines.push(`  let i${nth} = 0;`);
    lines.push(`  if (${f} !== undefined) {`);
    if (tag > 0) lines.push(`    if (t !== ${tag}) r = ${this.#use("skip")}(b, r, t, ${tag});`);
    if (op === "fixed") {
      const { factor } = this.#fields[nth]!;
      lines.push(`    ${f} = ${this.#use("fixed")}(${f}, ${factor}, ${label});`);
    }
    if (op === "integer") {
      lines.push(`    if (typeof ${f} !== "number" || (${f} | 0) !== ${f}) {`);
      lines.push(`      ${f} = ${this.#use("integer")}(${f}, ${label});`, "    }");
    }
    if (op === "integer" || op === "fixed") {
      lines.push(`    if (${f} >= 0 && ${f} < 32767) i${nth} = (${f} + 1) * 2;`);
      lines.push(`    b[r] = i${nth};`, `    b[r + 1] = i${nth} >> 8;`);
    } else if (op === "boolean") {
      lines.push(`    b[r] = ${this.#use("boolean")}(${f}, ${label}) * 2 + 2;`);
      lines.push("    b[r + 1] = 0;");
    } else {
      lines.push("    b[r] = 0;", "    b[r + 1] = 0;");
    }
    lines.push("    r += 2;", `    t = ${tag + 1};`, "  }");
    return lines;
  }

  /** The data of a field; `rest` bytes must have room behind it. */
  #data({ op, type, factor }: FieldPlan, nth: number, rest: number): Lines {
    const f = `f${nth}`;
    const label = this.#label(nth);
    const wrap = (...body: Lines): Lines => [
      `  if (${f} !== undefined) {`,
      ...body.map((line) => `    ${line}`),
      "  }",
    ];
    /** A call that may replace the memory. */
    const grown = (...body: Lines): Lines =>
      wrap(...body, ...(rest > 0 ? [`w.need(${rest});`] : []), "b = w.bytes;");
    const structs = (list: string): Lines =>
      grown(`const a = ${list};`, `${this.#use("structs")}(w, a, e${type}, d + 1, ${label});`);
    const map = `m${this.#index}_${nth}`;
    switch (op) {
      case "boolean":
        return [];
      case "integer":
      case "fixed":
        return [
          `  if (${f} !== undefined && i${nth} === 0) {`,
          `    w.at = ${this.#use("wide")}(b, w.at, ${f});`,
          "  }",
        ];
      case "double":
        return wrap(`w.at = ${this.#use("double")}(w, w.at, ${f}, ${label});`);
      case "text":
      case "blob":
        return wrap(`${this.#use(op)}(w, ${f}, ${rest}, ${label});`, "b = w.bytes;");
      case "struct":
        return grown(`${this.#use("checkStruct")}(${f}, ${label});`, `e${type}(w, ${f}, d + 1);`);
      case "structs":
        return structs(`${this.#use("list")}(${f}, ${label})`);
      case "keyed":
      case "entries":
        return structs(`${this.#use(op)}(${f}, ${map}, ${label})`);
      case "integers":
      case "fixeds":
        return grown(`${this.#use("integers")}(w, ${f}, ${factor}, ${label});`);
      default:
        return grown(`${this.#use(op)}(w, ${f}, ${label});`);
    }
  }

  decoder(): Lines {
    const fields = this.#fields;
    const name = `n${this.#index}`;
    const lines = [
      `function d${this.#index}(b${TYPE}, s${TYPE}, e${TYPE}, d${TYPE})${TYPE} {`,
      `  const n = ${this.#use("records")}(b, s, e, ${name});`,
      `  if (n > 0 && d > ${this.#use("maxDepth")}) ${this.#use("deepRead")}(${name}, s);`,
      ...fields.map((_, nth) => `  let f${nth}${TYPE};`),
      "  const z = s + 2 + 2 * n;",
      "  let p = z;",
    ];
    if (fields.length > 0) lines.push("  let t = 0;");
    lines.push("  for (let r = s + 2; r < z; r += 2) {", "    const w = b[r] | (b[r + 1] << 8);");
    if (fields.length === 0) {
      lines.push(`    if (w === 0) p = ${this.#use("extent")}(b, p, e, ${name});`);
    } else {
      lines.push(
        "    if ((w & 1) !== 0) {",
        "      t += (w >> 1) + 1;",
        "      continue;",
        "    }",
      );
      lines.push("    const q = w === 0 ? p + 4 : r;");
      lines.push(`    if (w === 0) p = ${this.#use("extent")}(b, p, e, ${name});`);
      lines.push("    switch (t++) {");
      fields.forEach((field, nth) => {
        lines.push(`      case ${field.tag}:`);
        lines.push(...this.#found(field, nth).map((line) => `        ${line}`), "        break;");
      });
      lines.push("    }");
    }
    lines.push("  }", ...this.#result(), "}");
    return lines;
  }

  /** Reads a field: its record is `w`, its data are from `q` to `p`. */
  #found({ op, type, factor }: FieldPlan, nth: number): Lines {
    const f = `f${nth}`;
    const label = this.#label(nth);
    const extent = "b, q, p";
    switch (op) {
      case "integer":
        return [
          "if (w !== 0) {",
          `  ${f} = (w >> 1) - 1;`,
          `  if (${this.#use("small")} !== undefined) ${f} = small(${f});`,
          "} else {",
          `  ${f} = ${this.#use("readInteger")}(${extent}, ${label});`,
          "}",
        ];
      case "fixed":
        return [
          `if (w !== 0) ${f} = ((w >> 1) - 1) / ${factor};`,
          `else ${f} = ${this.#use("readFixed")}(${extent}, ${factor}, ${label});`,
        ];
      case "boolean":
        return [`if (w === 0) ${this.#use("inline")}(w, ${label}, q);`, `${f} = w !== 2;`];
    }
    const lines = [`if (w !== 0) ${this.#use("data")}(w, ${label}, q);`];
    switch (op) {
      case "text":
        lines.push(`${f} = ${this.#use("readText")}(${extent}, ${label});`);
        break;
      case "blob":
        lines.push(`${f} = ${this.#use("readBlob")}(${extent});`);
        break;
      case "double":
        lines.push(`${f} = ${this.#use("readDouble")}(${extent}, ${label});`);
        break;
      case "struct":
        lines.push(`${f} = d${type}(${extent}, d + 1);`);
        lines.push(`if (stop !== p) ${this.#use("notFilled")}(stop, p, ${label});`);
        break;
      case "booleans":
        lines.push(`${f} = ${this.#use("readBooleans")}(${extent});`);
        break;
      case "integers":
      case "doubles":
      case "texts":
      case "blobs": {
        const helper = `read${op[0]!.toUpperCase()}${op.slice(1)}`;
        lines.push(`${f} = ${this.#use(helper)}(${extent}, ${label});`);
        break;
      }
      case "fixeds":
        lines.push(`${f} = ${this.#use("readFixeds")}(${extent}, ${factor}, ${label});`);
        break;
      default:
        lines.push(
          `${f} = ${this.#use("readStructs")}(${extent}, d${type}, stopped, d + 1, ${label});`,
        );
        if (op === "structs") break;
        lines.push(`${f} = ${this.#use("mapOf")}(${f}, m${this.#index}_${nth}, ${label}, q);`);
    }
    return lines;
  }

  /** The object: made at once where all fields are there, so that V8 need not grow it. */
  #result(): Lines {
    const fields = this.#fields;
    const lines = ["  stop = p;"];
    if (fields.length === 0) return [...lines, "  return {};"];
    const conditions = fields.map((_, nth) => `f${nth} !== undefined`);
    const condition = `  if (${conditions.join(" && ")}) {`;
    if (this.#fits(condition)) {
      lines.push(condition);
    } else {
      lines.push("  if (");
      conditions.forEach((one, nth) => {
        lines.push(`    ${one}${nth < conditions.length - 1 ? " &&" : ""}`);
      });
      lines.push("  ) {");
    }
    lines.push("    return {");
    fields.forEach(({ name }, nth) => {
      lines.push(`      ${keyCode(name)}: f${nth},`);
    });
    lines.push("    };", "  }", `  const o${TYPE} = {};`);
    fields.forEach(({ name, inherited }, nth) => {
      const set = inherited
        ? `${this.#use("define")}(o, ${quoted(name)}, f${nth});`
        : `${memberCode("o", name)} = f${nth};`;
      lines.push(`  if (f${nth} !== undefined) ${set}`);
    });
    lines.push("  return o;");
    return lines;
  }
}

/** Has the field data whose size is not known before? Writing them may replace the memory. */
function isSized({ op }: FieldPlan): boolean {
  return op !== "boolean" && !FIXED.has(op);
}
