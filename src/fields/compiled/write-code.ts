import { isBytes, literal, memberCode, quoted } from "../../core/index.ts";
import { sumOf } from "../described-struct.ts";
import { type AnyField, type Erased, erased } from "../field.ts";
import type { Recursive } from "../lazy.ts";
import { insertVarint, patchNumber } from "../length.ts";
import { namedMember } from "../members.ts";
import type { NodeOf } from "../node.ts";
import type { BitMember, Range, Step, StructPlan } from "../plan.ts";
import { visibleNames } from "../struct.ts";
import { targetOf } from "./read-code.ts";
import type { Root } from "./root.ts";

/*
 * Code that writes a value to the output `o`. Values are in variables whose names are passed on. Every error
 * ends in `throw bad`, or in an error of the output.
 */

/** Emits code that writes the value in the variable `given`. */
export function writeCode(root: Root, field: AnyField, given: string): void {
  const { code } = root;
  const { node } = field;
  switch (node.kind) {
    case "int":
    case "float": {
      code.line(`o.${node.type}(${given});`);
      return;
    }
    case "constant": {
      numberCode(root, node.base, literal(node.value));
      return;
    }
    case "magic": {
      code.line(`o.bytes(${code.value(node.bytes)});`);
      return;
    }
    case "pad": {
      code.line(`o.reserve(${node.width});`);
      return;
    }
    case "tag":
    case "ignored":
      return;
    case "default": {
      writeCode(
        root,
        node.inner,
        code.keep(`${given} === undefined ? ${code.value(node.value)} : ${given}`),
      );
      return;
    }
    case "enum":
      if (node.open) break;
      {
        enumCode(root, node, given);
        return;
      }
    case "bytes":
    case "text":
      if (node.kind === "text" && (node.pad !== undefined || node.charset !== "utf8")) break;
      {
        runCode(root, node, field, given);
        return;
      }
    case "prefixed": {
      behindCode(root, node.prefix, () => writeCode(root, node.inner, given));
      return;
    }
    case "array": {
      arrayCode(root, node, given);
      return;
    }
    case "struct": {
      structCode(root, node, field, given);
      return;
    }
    case "envelope": {
      const inner = erased(node.inner);
      const { plan } = inner.node as NodeOf<"struct">;
      const member = (name: string): string => (name === node.name ? given : "undefined");
      if (isPlanned(plan)) {
        membersCode(root, plan, member);
        return;
      }
      break;
    }
    case "union": {
      unionCode(root, node, given);
      return;
    }
    case "lazy":
      if (targetOf(node) !== root.field) break;
      {
        code.line(
          `${code.value((field as unknown as Recursive).deeper)}(() => bad, () => write(${given}, o));`,
        );
        return;
      }
  }
  code.line(`${code.value(field)}.write(${given}, o);`);
}

function numberCode(root: Root, base: AnyField, value: string): void {
  const { node } = base;
  if (node.kind === "int") root.code.line(`o.${node.type}(${value});`);
  else root.code.line(`${root.code.value(base)}.write(${value}, o);`);
}

function enumCode(root: Root, { names, base }: NodeOf<"enum">, given: string): void {
  const { code } = root;
  const number = code.keep(`${code.value(new Map(Object.entries(names)))}.get(${given})`);
  code.refuseIf(`${number} === undefined`);
  numberCode(root, base, number);
}

/** Writes the counted bytes after their length. */
function behindCode(root: Root, prefix: AnyField, write: () => void): void {
  const { code } = root;
  const { fixed } = prefix;
  const at = code.keep(fixed >= 0 ? `o.reserve(${fixed})` : "o.length");
  write();
  if (fixed >= 0) patchCode(root, prefix, at, `o.length - ${at} - ${fixed}`);
  else {
    const length = code.keep(`o.length - ${at}`);
    code.line(`${code.value(insertVarint)}(${code.value(prefix)}, o, ${at}, () => ${length});`);
  }
}

function patchCode({ code }: Root, base: AnyField, at: string, number: string): void {
  const { width, signed, endian } = base.node as NodeOf<"int">;
  const value = code.keep(number);
  const most = 2 ** (8 * width - (signed ? 1 : 0));
  code.refuseIf(`!(${value} >= 0 && ${value} < ${most})`);
  code.line(`o.patch(${at}, ${width}, ${value}, "${endian}");`);
}

function runCode(
  root: Root,
  node: NodeOf<"bytes"> | NodeOf<"text">,
  field: AnyField,
  given: string,
): void {
  const { code } = root;
  const { length, kind } = node;
  const put = kind === "bytes" ? `o.bytes(${given});` : `o.utf8(${given});`;
  if (length === undefined) {
    code.line(put);
    return;
  }
  if (kind === "text") {
    if (typeof length === "object") {
      behindCode(root, length, () => code.line(put));
      return;
    }
    code.line(`${code.value(field)}.write(${given}, o);`);
    return;
  }
  code.refuseIf(`!${code.value(isBytes)}(${given})`);
  if (typeof length === "number") code.refuseIf(`${given}.length !== ${length}`);
  else numberCode(root, length, `${given}.length`);
  code.line(put);
}

function arrayCode(root: Root, { item, length }: NodeOf<"array">, given: string): void {
  const { code } = root;
  code.refuseIf(`!Array.isArray(${given})`);
  if (typeof length === "number") code.refuseIf(`${given}.length !== ${length}`);
  else if (length !== undefined) numberCode(root, length, `${given}.length`);
  const i = code.fresh();
  code.line(`for (let ${i} = 0; ${i} < ${given}.length; ${i}++) {`);
  writeCode(root, item, code.keep(`${given}[${i}]`));
  code.line("}");
}

function unionCode(root: Root, { tag, base, cases }: NodeOf<"union">, given: string): void {
  const { code } = root;
  objectCode(root, given);
  code.line(`switch (${memberCode(given, tag)}) {`);
  for (const { name, code: number, body } of cases) {
    code.line(`case ${quoted(name)}: {`);
    numberCode(root, (base.node as NodeOf<"enum">).base, literal(number));
    writeCode(root, body, given);
    code.line("break; }");
  }
  code.line("default: throw bad; }");
}

const objectCode = ({ code }: Root, given: string): void =>
  code.refuseIf(`typeof ${given} !== "object" || ${given} === null`);

function structCode(root: Root, node: NodeOf<"struct">, field: AnyField, given: string): void {
  const { code } = root;
  const { plan, strict } = node;
  if (!isPlanned(plan)) {
    code.line(`${code.value(field)}.write(${given}, o);`);
    return;
  }
  objectCode(root, given);
  if (strict) {
    const names = code.value(visibleNames(node));
    code.line(`for (const name of Object.keys(${given})) if (!${names}.has(name)) throw bad;`);
  }
  const kept = new Map<string, string>();
  membersCode(root, plan, (name) => {
    const known = kept.get(name);
    if (known !== undefined) return known;
    const member =
      name in Object.prototype
        ? `${code.value(namedMember)}(${given}, ${quoted(name)})`
        : memberCode(given, name);
    kept.set(name, code.keep(member));
    return kept.get(name)!;
  });
}

/** Sizes in bits, and varints under a checksum, move bytes already written: the closures do that. */
function isPlanned({ ranges, sums, steps }: StructPlan): boolean {
  return ranges.every(
    ({ member, step }) => member === undefined && (steps[step]!.fixed >= 0 || sums.length === 0),
  );
}

type MemberOf = (name: string) => string;

function membersCode(root: Root, plan: StructPlan, memberOf: MemberOf): void {
  const { code } = root;
  const { steps, sums, fields } = plan;
  const base = code.keep("o.length");
  const places: string[] = [];
  const needsPlaces = sums.length > 0 || plan.ranges.length > 0;
  // Members are read before cases and conditions, because variables in their blocks would not be visible
  // outside.
  for (const [name, { hidden }] of fields) if (hidden !== true) memberOf(name);
  const missing = steps.some(({ trails }) => trails) ? code.fresh() : "";
  if (missing !== "") code.line(`let ${missing} = false;`);
  const known = new Set<Range>();
  for (const [i, step] of steps.entries()) {
    places.push(needsPlaces ? code.keep("o.length") : "");
    const range = plan.ranges.find((one) => one.step === i);
    const size = range === undefined ? undefined : sizeCode(root, plan, range, memberOf);
    if (range !== undefined && size !== undefined) {
      known.add(range);
      numberCode(root, range.node.base, size);
    } else stepCode(root, plan, step, base, missing, memberOf);
    for (const one of step.closes) {
      if (!known.has(one)) fillInCode(root, steps, one, places, base);
    }
  }
  for (const { step, node, from, to } of sums) {
    const start = places[from] ?? "o.length";
    const view = code.keep(`o.view(${start}, ${places[to + 1] ?? "o.length"})`);
    const { fixed } = node.base;
    const offset = `${places[step]} - ${start}`;
    const args = `${code.value(node)}, ${view}, 0, ${view}.length, ${offset}, ${fixed}`;
    const sum = code.keep(`${code.value(sumOf)}(${args})`);
    code.line(`${code.value(patchNumber)}(${code.value(node.base)}, o, ${places[step]}, ${sum});`);
  }
}

/** The number of a size whose bytes are known before they are written. */
function sizeCode(
  root: Root,
  plan: StructPlan,
  { node, origin, step, from, to }: Range,
  memberOf: MemberOf,
): string | undefined {
  const { steps } = plan;
  if (steps[step]!.fixed < 0 || node.unit !== 1) return undefined;
  const counted = steps.slice(origin === "whole" ? 0 : from, to + 1);
  let fixed = node.add;
  const parts: string[] = [];
  for (const { kind, field, name, fixed: own } of counted) {
    if (own >= 0) fixed += own;
    else if (field.node.kind !== "ignored") {
      if (kind !== "field") return undefined;
      const part = bytesCode(root, field, () => valueUnderDefault(root, plan, name, memberOf));
      if (part === undefined) return undefined;
      parts.push(part);
    }
  }
  return [...parts, literal(fixed)].join(" + ").replace("+ -", "- ");
}

/** Number of bytes of a value, if it is known without writing it. */
function bytesCode(root: Root, field: AnyField, given: () => string): string | undefined {
  const { node } = field;
  switch (node.kind) {
    case "default":
      return bytesCode(root, node.inner, given);
    case "bytes":
      if (typeof node.length === "number") return String(node.length);
      if (node.length !== undefined && node.length.fixed < 0) return undefined;
      return `${given()}.length + ${node.length?.fixed ?? 0}`;
    case "union": {
      const sizes = node.cases.map(({ name, body }) => [name, writtenSize(body)] as const);
      const tag = (node.base.node as NodeOf<"enum">).base.fixed;
      if (tag < 0 || sizes.some(([, size]) => size === undefined)) return undefined;
      const table = new Map(sizes.map(([name, size]) => [name, size! + tag]));
      return `${root.code.value(table)}.get(${given()}[${quoted(node.tag)}])`;
    }
    default:
      return undefined;
  }
}

/** Number of bytes written for every value, if it is always the same. */
function writtenSize({ fixed, node }: AnyField): number | undefined {
  if (fixed >= 0) return fixed;
  if (node.kind === "ignored") return 0;
  if (node.kind !== "struct") return undefined;
  return node.plan.steps.reduce<number | undefined>((sum, step) => {
    const size = writtenSize(step.field);
    const isPlain = step.fixed >= 0 || step.kind === "field";
    return sum === undefined || size === undefined || !isPlain ? undefined : sum + size;
  }, 0);
}

/** The value of a member, or its default. */
function valueUnderDefault(
  { code }: Root,
  plan: StructPlan,
  name: string,
  memberOf: MemberOf,
): string {
  const field = plan.fields.get(name)!;
  const given = memberOf(name);
  if (field.node.kind !== "default") return given;
  return code.keep(`${given} === undefined ? ${code.value(field.node.value)} : ${given}`);
}

/** The number of a count or presence. */
function describedCode(
  root: Root,
  plan: StructPlan,
  node: NodeOf<"count"> | NodeOf<"present">,
  memberOf: MemberOf,
): string {
  const target = valueUnderDefault(root, plan, node.target, memberOf);
  if (node.kind === "present") return `(${target} === undefined ? 0 : 1)`;
  root.code.refuseIf(`!Array.isArray(${target})`);
  return `${target}.length`;
}

function stepCode(
  root: Root,
  plan: StructPlan,
  { kind, field, name, fixed, members, endian, trails }: Step,
  base: string,
  missing: string,
  memberOf: MemberOf,
): void {
  const { code } = root;
  const { node } = field;
  switch (kind) {
    case "bits": {
      const parts = members.map((member) => {
        const { shift } = member;
        const raw = code.keep(bitsCode(root, plan, member, memberOf));
        return shift === 0 ? raw : `${raw} * ${2 ** shift}`;
      });
      const sum = parts.join(" + ");
      code.line(fixed === 1 ? `o.u8(${sum});` : `o.uint(${sum}, ${fixed}, "${endian}");`);
      return;
    }
    case "size":
    case "checksum":
      if (fixed >= 0) code.line(`o.reserve(${fixed});`);
      return;
    case "count":
    case "present": {
      const describer = node as NodeOf<"count">;
      numberCode(root, describer.base, describedCode(root, plan, describer, memberOf));
      return;
    }
    case "maybe": {
      const given = memberOf(name);
      code.line(`if (${given} !== undefined) {`);
      writeCode(root, (node as NodeOf<"optional">).inner, given);
      code.line("}");
      return;
    }
    case "match":
      matchCode(root, plan, node as NodeOf<"match">, memberOf(name), memberOf);
      return;
    case "align": {
      const { to } = node as NodeOf<"align">;
      code.line(`o.reserve((${to} - (o.length - ${base}) % ${to}) % ${to});`);
      return;
    }
  }
  const given = field.hidden === true || node.kind === "tag" ? "undefined" : memberOf(name);
  if (trails) {
    code.line(`if (${given} === undefined) ${missing} = true;`);
    code.line(`else if (${missing}) throw bad;`);
  }
  writeCode(root, field, given);
}

function matchCode(
  root: Root,
  plan: StructPlan,
  { tag, cases, otherwise }: NodeOf<"match">,
  given: string,
  memberOf: MemberOf,
): void {
  const { code } = root;
  const chosen =
    plan.fields.get(tag)?.hidden === true
      ? "undefined"
      : valueUnderDefault(root, plan, tag, memberOf);
  code.line(`switch (String(${chosen})) {`);
  for (const [key, one] of Object.entries(cases)) {
    code.line(`case ${quoted(key)}: {`);
    writeCode(root, one, given);
    code.line("break; }");
  }
  code.line("default: {");
  if (otherwise === undefined) code.line("throw bad;");
  else writeCode(root, otherwise, given);
  code.line("} }");
}

/** The raw number of a part of a byte. */
function bitsCode(
  root: Root,
  plan: StructPlan,
  { field, name, mask }: BitMember,
  memberOf: MemberOf,
): string {
  const { code } = root;
  const { node } = field;
  const { value, inner } = withDefault(root, field, () => memberOf(name));
  switch (inner.node.kind) {
    case "count":
    case "present": {
      const raw = code.keep(describedCode(root, plan, node as NodeOf<"count">, memberOf));
      code.refuseIf(`${raw} > ${mask}`);
      return raw;
    }
    case "constant":
      return literal(inner.node.value);
    case "flag":
      code.refuseIf(`typeof ${value()} !== "boolean"`);
      return `(${value()} ? 1 : 0)`;
    case "bits":
      code.refuseIf(`(${value()} >>> 0) !== ${value()} || ${value()} > ${mask}`);
      return value();
    default:
      return `${code.value(inner)}.toBits(${value()})`;
  }
}

/** The field inside its default, and a variable with the value to write. */
function withDefault(
  { code }: Root,
  field: Erased,
  given: () => string,
): { readonly inner: Erased; readonly value: () => string } {
  const { node } = field;
  if (node.kind !== "default") return { inner: field, value: given };
  const value = code.keep(`${given()} === undefined ? ${code.value(node.value)} : ${given()}`);
  return { inner: erased(node.inner), value: () => value };
}

/** Fills in a size in the reserved room, or inserts it. */
function fillInCode(
  root: Root,
  steps: readonly Step[],
  { node, origin, step, from }: Range,
  places: readonly string[],
  base: string,
): void {
  const { code } = root;
  const { fixed } = steps[step]!;
  const place = places[step]!;
  const begin =
    origin === "whole"
      ? base
      : origin === "rest"
        ? `${place} - ${-Math.max(0, fixed)}`
        : places[from]!;
  const { add, unit } = node;
  const units = (bytes: string): string => {
    const sum = add === 0 ? bytes : `${bytes} + ${literal(add)}`;
    return unit === 1 ? sum : `(${sum}) / ${unit}`;
  };
  const bytes = code.keep(`o.length - (${begin})`);
  if (fixed >= 0) {
    const number = code.keep(units(bytes));
    if (unit !== 1) code.refuseIf(`!Number.isInteger(${number})`);
    patchCode(root, node.base, place, number);
    return;
  }
  const w = code.fresh();
  const counted = units(origin === "whole" ? `${bytes} + ${w}` : bytes);
  const insert = code.value(insertVarint);
  if (unit !== 1) code.refuseIf(`(${bytes} + ${literal(add)}) % ${unit} !== 0`);
  code.line(`${insert}(${code.value(node.base)}, o, ${place}, (${w}) => ${counted});`);
}
