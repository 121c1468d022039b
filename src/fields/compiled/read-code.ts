import {
  decodeUtf8,
  f32be,
  f32le,
  f64be,
  f64le,
  i48be,
  i48le,
  i64be,
  i64le,
  keyCode,
  literal,
  quoted,
  u48be,
  u48le,
  u64be,
  u64le,
} from "../../core/index.ts";
import { caseOf, sumOf } from "../described-struct.ts";
import { type AnyField, type Erased, erased } from "../field.ts";
import type { Recursive } from "../lazy.ts";
import type { NodeOf } from "../node.ts";
import { skipPadding } from "../padding-bytes.ts";
import type { BitMember, Range, Step } from "../plan.ts";
import type { Root } from "./root.ts";

/*
 * Code that reads a field. It has the bytes `b`, the position `p` and the cursor `c`; the end of its window
 * is in a variable whose name is passed on. Every error ends in `throw bad`.
 */

/** Readers of numbers that are not inlined. */
const WIDE: Readonly<Record<string, unknown>> = {
  u48be,
  u48le,
  i48be,
  i48le,
  u64be,
  u64le,
  i64be,
  i64le,
  f32be,
  f32le,
  f64be,
  f64le,
};

/** Emits code that reads a field and moves `p` past it; returns an expression for the value. */
export function readCode(root: Root, field: AnyField, end: string): string {
  const { code } = root;
  const { node } = field;
  const leaf = leafAt(root, field, 0);
  if (leaf !== undefined) {
    code.refuseIf(`${end} - p < ${field.fixed}`);
    const value = leaf();
    code.line(`p += ${field.fixed};`);
    return value;
  }
  switch (node.kind) {
    case "default":
      return readCode(root, node.inner, end);
    case "ignored":
      code.line(`p = ${end};`);
      return "undefined";
    case "varint":
      return varintCode(root, node, end);
    case "bytes":
    case "text":
      if (node.kind === "text" && node.pad !== undefined) break;
      return runCode(root, node, field, end);
    case "prefixed": {
      const stop = lengthCode(root, node.prefix, end);
      const value = code.keep(readCode(root, node.inner, stop));
      code.refuseIf(`p !== ${stop}`);
      return value;
    }
    case "array": {
      const { item, length } = node;
      if (typeof length === "number") return itemsCode(root, item, String(length), end);
      if (length === undefined) return openItemsCode(root, item, end);
      return itemsCode(root, item, countCode(root, length, end), end);
    }
    case "optional": {
      const value = code.fresh();
      code.line(`let ${value};`);
      code.line(`if (p !== ${end}) {`);
      code.line(`${value} = ${readCode(root, node.inner, end)};`);
      code.line("}");
      return value;
    }
    case "struct":
      return objectCode(root, node, end);
    case "envelope": {
      const members = structCode(root, erased(node.inner).node as NodeOf<"struct">, end);
      return members.get(node.name)!;
    }
    case "union":
      return unionCode(root, node, end);
    case "lazy":
      return lazyCode(root, field, node, end);
  }
  return callCode(root, field, end);
}

/** Reads a varint and moves `p` past it. */
function varintCode({ code }: Root, { most, minimal }: NodeOf<"varint">, end: string): string {
  const value = code.fresh();
  const byte = code.fresh();
  code.refuseIf(`p >= ${end}`);
  code.line(`let ${value} = b[p++];`);
  code.line(`if (${value} > 127) {`);
  code.line(`${value} -= 128;`);
  code.line(`let ${byte};`);
  for (let i = 1; i < most; i++) {
    code.refuseIf(`p >= ${end}`);
    code.line(`${byte} = b[p++];`);
    code.line(`${value} += (${byte} & 127) * ${2 ** (7 * i)};`);
    if (minimal) code.refuseIf(`${byte} === 0`);
    if (i < most - 1) code.line(`if (${byte} > 127) {`);
  }
  if (most > 1) code.refuseIf(`${byte} > 127`);
  else code.line(code.refusal);
  code.line("}".repeat(Math.max(1, most - 1)));
  if (most > 7) code.refuseIf(`${value} > ${Number.MAX_SAFE_INTEGER}`);
  return value;
}

/** Lets the closure read the field. */
function callCode({ code }: Root, field: AnyField, end: string): string {
  const value = code.keep(`${code.value(field)}.read(b, p, ${end}, c)`);
  code.line("p = c.at;");
  return value;
}

function lazyCode(root: Root, field: AnyField, node: NodeOf<"lazy">, end: string): string {
  const { code } = root;
  if (targetOf(node) !== root.field) return callCode(root, field, end);
  const { deeper } = field as unknown as Recursive;
  const at = code.keep("p");
  const value = code.keep(`${code.value(deeper)}(() => bad, () => read(b, ${at}, ${end}, c))`);
  code.line("p = c.at;");
  return value;
}

/** The field to which a lazy one refers, if it is already known. */
export function targetOf(node: NodeOf<"lazy">): AnyField | undefined {
  try {
    return node.get();
  } catch {
    return undefined;
  }
}

/** The number at an offset from `p`, whose bytes are available. */
function integerAt(
  { code }: Root,
  { type, width, signed, endian, big }: NodeOf<"int">,
  offset: number,
): string {
  if (big || width > 4) {
    return `${code.value(WIDE[type])}(b, ${place(offset)})`;
  }
  const order = Array.from({ length: width }, (_, i) => (endian === "be" ? width - 1 - i : i));
  const sum = order.map((power, i) => shifted(`b[${place(offset + i)}]`, 8 * power)).join(" | ");
  if (width === 4) return signed ? `(${sum})` : `((${sum}) >>> 0)`;
  const spare = 32 - 8 * width;
  return signed ? `(((${sum}) << ${spare}) >> ${spare})` : `(${sum})`;
}

const place = (offset: number): string => (offset === 0 ? "p" : `p + ${offset}`);
const shifted = (byte: string, bits: number): string => (bits === 0 ? byte : `${byte} << ${bits}`);

/** Code for a field of fixed size at an offset from `p`, whose bytes are available. */
function leafAt(root: Root, field: AnyField, offset: number): (() => string) | undefined {
  const { code } = root;
  const { node } = field;
  switch (node.kind) {
    case "int":
      return () => code.keep(integerAt(root, node, offset));
    case "float": {
      return () => code.keep(`${code.value(WIDE[node.type])}(b, ${place(offset)})`);
    }
    case "default":
    case "size":
    case "count":
    case "present":
    case "checksum":
      return leafAt(root, node.kind === "default" ? node.inner : node.base, offset);
    case "constant": {
      const base = leafAt(root, node.base, offset);
      if (base === undefined) return undefined;
      return () => {
        code.refuseIf(`${base()} !== ${literal(node.value)}`);
        return "undefined";
      };
    }
    case "enum": {
      const base = leafAt(root, node.base, offset);
      if (base === undefined) return undefined;
      return () => enumCode(root, node, base());
    }
    case "magic":
      if (node.bytes.length > 16) return undefined;
      return () => {
        const differ = Array.from(node.bytes, (byte, i) => `b[${place(offset + i)}] !== ${byte}`);
        if (differ.length > 0) code.refuseIf(differ.join(" || "));
        return "undefined";
      };
    case "pad":
      return node.strict ? undefined : () => "undefined";
    case "tag":
      return () => quoted(node.value);
    default:
      return undefined;
  }
}

function enumCode({ code }: Root, { names, open }: NodeOf<"enum">, number: string): string {
  const byCode = code.value(new Map(Object.entries(names).map(([name, one]) => [one, name])));
  const name = code.keep(`${byCode}.get(${number})`);
  if (open) return code.keep(`${name} === undefined ? ${number} : ${name}`);
  code.refuseIf(`${name} === undefined`);
  return name;
}

/** A number of any size. */
export function countCode(root: Root, field: AnyField, end: string): string {
  const value = readCode(root, field, end);
  const isBig = field.node.kind === "int" && field.node.big;
  return isBig ? root.code.keep(`Number(${value})`) : value;
}

/** Reads a length in bytes; returns the variable with the end of the counted bytes. */
function lengthCode(root: Root, prefix: AnyField, end: string): string {
  const { code } = root;
  const length = countCode(root, prefix, end);
  code.refuseIf(`!(${length} >= 0 && ${length} <= ${end} - p)`);
  return code.keep(`p + ${length}`);
}

/** Bytes or text. */
function runCode(
  root: Root,
  node: NodeOf<"bytes"> | NodeOf<"text">,
  field: AnyField,
  end: string,
): string {
  const { code } = root;
  const { length } = node;
  if (node.kind === "text" && node.charset !== "utf8") return callCode(root, field, end);
  let stop = end;
  if (typeof length === "number") {
    code.refuseIf(`${end} - p < ${length}`);
    stop = code.keep(`p + ${length}`);
  } else if (length !== undefined) stop = lengthCode(root, length, end);
  const value =
    node.kind === "bytes"
      ? code.keep(`b.subarray(p, ${stop})`)
      : code.keep(`${code.value(decodeUtf8)}(b, p, ${stop})`);
  code.line(`p = ${stop};`);
  return value;
}

function itemsCode(root: Root, item: AnyField, count: string, end: string): string {
  const { code } = root;
  code.refuseIf(`!(${count} >= 0 && ${count} * ${item.least} <= ${end} - p)`);
  const list = code.keep("[]");
  const i = code.fresh();
  code.line(`for (let ${i} = 0; ${i} < ${count}; ${i}++) {`);
  code.line(`${list}.push(${readCode(root, item, end)});`);
  code.line("}");
  return list;
}

function openItemsCode(root: Root, item: AnyField, end: string): string {
  const { code } = root;
  const list = code.keep("[]");
  code.line(`while (p < ${end}) {`);
  code.line(`${list}.push(${readCode(root, item, end)});`);
  code.line("}");
  return list;
}

function unionCode(root: Root, { base, cases }: NodeOf<"union">, end: string): string {
  const { code } = root;
  const number = readCode(root, (base.node as NodeOf<"enum">).base, end);
  const value = code.fresh();
  code.line(`let ${value};`);
  code.line(`switch (${number}) {`);
  for (const { code: tag, body } of cases) {
    code.line(`case ${literal(tag)}: {`);
    code.line(`${value} = ${readCode(root, body, end)};`);
    code.line("break; }");
  }
  code.line(`default: ${code.refusal} }`);
  return value;
}

function objectCode(root: Root, node: NodeOf<"struct">, end: string): string {
  const members = structCode(root, node, end);
  const list = Array.from(members).map(([name, value]) => `${keyCode(name)}: ${value}`);
  return root.code.keep(`{ ${list.join(", ")} }`);
}

/** Emits code for the members; returns expressions for the visible ones. */
function structCode(root: Root, { plan }: NodeOf<"struct">, limit: string): Map<string, string> {
  const { code } = root;
  const { steps, sums } = plan;
  const members = new Map<string, string>();
  const slots: string[] = [];
  const sumValues = new Map<number, string>();
  const places: string[] = [];
  const windows = [limit];
  const start = code.keep("p");
  const window = (): string => windows[windows.length - 1]!;

  const narrow = (range: Range, from: string): void => {
    const { unit, add, base } = range.node;
    const isBig = base.node.kind === "int" && base.node.big;
    const number = isBig ? `Number(${slots[range.slot]})` : slots[range.slot];
    const bytes = unit === 1 ? number : `${number} * ${unit}`;
    const stop = code.keep(`${from} + ${bytes}${add === 0 ? "" : ` - ${literal(add)}`}`);
    code.refuseIf(`!(${stop} >= p && ${stop} <= ${window()})`);
    windows.push(stop);
  };
  const keepMember = ({ slot, hidden, name }: Step | BitMember, value: string): void => {
    if (slot >= 0) slots[slot] = value;
    if (!hidden) members.set(name, value);
  };
  const after = ({ starts, closes }: Step): void => {
    for (const range of starts) narrow(range, range.origin === "whole" ? start : "p");
    for (const _ of closes) code.refuseIf(`p !== ${windows.pop()}`);
  };

  for (let i = 0; i < steps.length; ) {
    for (const range of steps[i]!.opens) narrow(range, "p");
    const run = runAt(root, steps, i);
    if (run > i) {
      const width = steps.slice(i, run).reduce((sum, { fixed }) => sum + fixed, 0);
      if (width > 0) code.refuseIf(`${window()} - p < ${width}`);
      let offset = 0;
      for (; i < run; i++) {
        const step = steps[i]!;
        if (sums.length > 0) places.push(code.keep(place(offset)));
        if (step.kind === "bits") bitsCode(root, step, offset, keepMember);
        else {
          const value = leafAt(root, step.field, offset)!();
          keepMember(step, value);
          sumValues.set(i, value);
        }
        offset += step.fixed;
      }
      if (width > 0) code.line(`p += ${width};`);
      after(steps[run - 1]!);
      continue;
    }
    const step = steps[i]!;
    if (sums.length > 0) places.push(code.keep("p"));
    const { trailing } = step;
    const end = trailing > 0 ? code.keep(`Math.max(p, ${window()} - ${trailing})`) : window();
    keepMember(step, stepCode(root, step, end, start, slots));
    after(step);
    i++;
  }
  for (const { step, node, from, to } of sums) {
    const args = [code.value(node), "b", places[from] ?? "p", places[to + 1] ?? "p", places[step]];
    code.refuseIf(
      `${code.value(sumOf)}(${args.join(", ")}, ${node.base.fixed}) !== ${sumValues.get(step)}`,
    );
  }
  return members;
}

/** Index after the steps from `start` on whose bytes are checked together. */
function runAt(root: Root, steps: readonly Step[], start: number): number {
  let end = start;
  for (; end < steps.length; end++) {
    const { kind, field, fixed, opens } = steps[end]!;
    if (end > start) {
      const { closes, starts } = steps[end - 1]!;
      if (opens.length > 0 || closes.length > 0 || starts.length > 0) break;
    }
    if (kind === "bits") continue;
    if (fixed < 0 || kind === "match" || leafAt(root, field, 0) === undefined) break;
  }
  return end;
}

export function bitsCode(
  root: Root,
  { fixed, endian, members }: Step,
  offset: number,
  keep: (member: BitMember, value: string) => void,
): void {
  const { code } = root;
  const type = { kind: "int", type: "", width: fixed, signed: false, endian, big: false } as const;
  const n = code.keep(integerAt(root, type, offset));
  for (const member of members) {
    const { shift, mask } = member;
    const masked = shift === 0 ? `${n} & ${mask}` : `(${n} >>> ${shift}) & ${mask}`;
    const raw = code.keep(mask === 2 ** 32 - 1 ? n : `(${masked}) >>> 0`);
    keep(member, bitValue(root, member.field, raw));
  }
}

function bitValue(root: Root, field: Erased, raw: string): string {
  const { code } = root;
  const { node } = field;
  switch (node.kind) {
    case "bits":
    case "size":
    case "count":
    case "present":
      return raw;
    case "flag":
      return code.keep(`${raw} === 1`);
    case "default":
      return bitValue(root, erased(node.inner), raw);
    case "constant":
      code.refuseIf(`${raw} !== ${literal(node.value)}`);
      return raw;
    case "enum":
      return enumCode(root, node, raw);
    default:
      return code.keep(`${code.value(field)}.fromBits(${raw}, p)`);
  }
}

/** A member that is not part of a run. */
function stepCode(
  root: Root,
  { kind, field, by }: Step,
  end: string,
  start: string,
  slots: readonly string[],
): string {
  const { code } = root;
  const { node } = field;
  switch (kind) {
    case "items": {
      const { item } = listOf(field).node as NodeOf<"array">;
      return itemsCode(root, item, code.keep(`Number(${slots[by]})`), end);
    }
    case "maybe": {
      const value = code.fresh();
      code.line(`let ${value};`);
      code.line(`if (Number(${slots[by]}) !== 0) {`);
      code.line(`${value} = ${readCode(root, (node as NodeOf<"optional">).inner, end)};`);
      code.line("}");
      return value;
    }
    case "match":
      return matchCode(root, node as NodeOf<"match">, slots[by]!, end);
    case "align": {
      const { to, strict } = node as NodeOf<"align">;
      const width = code.keep(`(${to} - (p - ${start}) % ${to}) % ${to}`);
      code.line(`${code.value(skipPadding)}(${width}, ${strict}, b, p, ${end});`);
      code.line(`p += ${width};`);
      return "undefined";
    }
    case "size":
    case "count":
    case "present":
      return readCode(root, (node as NodeOf<"size">).base, end);
    default:
      return readCode(root, field, end);
  }
}

export const listOf = (field: Erased): Erased =>
  field.node.kind === "default" ? listOf(erased(field.node.inner)) : field;

function matchCode(root: Root, node: NodeOf<"match">, tag: string, end: string): string {
  const { code } = root;
  const value = code.fresh();
  code.line(`let ${value};`);
  code.line(`switch (String(${tag})) {`);
  for (const key of Object.keys(node.cases)) {
    code.line(`case ${quoted(key)}: {`);
    code.line(`${value} = ${readCode(root, caseOf(node, key)!, end)};`);
    code.line("break; }");
  }
  code.line("default: {");
  if (node.otherwise === undefined) code.line(code.refusal);
  else code.line(`${value} = ${readCode(root, node.otherwise, end)};`);
  code.line("} }");
  return value;
}
