import { type CodeText, indexOfByte, literal, quoted } from "../../core/index.ts";
import { caseOf } from "../described-struct.ts";
import { type AnyField, type Erased, erased } from "../field.ts";
import type { NodeOf } from "../node.ts";
import type { BitMember, Range, Step, StructPlan } from "../plan.ts";
import type { Aim } from "../protocol-of.ts";
import { fitsOf, totalOf } from "../walk.ts";
import { bitsCode, countCode, listOf, readCode } from "./read-code.ts";
import type { Root } from "./root.ts";

/*
 * Code that finds the end of a frame if the available bytes determine it. It moves `p`, which may lie after
 * the end `e` of the available bytes. In all other cases it leaves the frame to the closures, which wait for
 * bytes and report errors.
 */

/** Thrown while code is written for a field that only the closures can measure. */
const UNKNOWN = new Error("no code for this field");

/**
 * Emits the body of `measure(b, s, e, scan)`.
 *
 * @returns false if only the closures can measure the field
 */
export function measureCode(root: Root, aim: Aim): boolean {
  const { code } = root;
  try {
    code.line("let p = s;");
    if (aim.plan === undefined) skipCode(root, root.field);
    else structCode(root, aim.plan, aim.upTo, aim.maxFrame);
    // The closures report frames that are too long, exact to the byte.
    code.refuseIf(`!(p - s <= ${aim.maxFrame})`);
    code.line("return p - s;");
    return true;
  } catch (error) {
    if (error !== UNKNOWN) throw error;
    return false;
  }
}

/** Emits code that moves `p` past the field. */
function skipCode(root: Root, field: AnyField): void {
  const { code } = root;
  const { node, fixed } = field;
  switch (node.kind) {
    case "constant":
    case "magic":
      readCode(root, field, "e");
      return;
    case "struct":
      structCode(root, node.plan, -1, Number.POSITIVE_INFINITY);
      return;
    case "envelope":
    case "mapped":
    case "checked":
    case "default":
      skipCode(root, node.inner);
      return;
    case "enum":
    case "flags":
    case "size":
    case "count":
    case "present":
      skipCode(root, node.base);
      return;
    case "union":
      unionCode(root, node);
      return;
    case "varint":
      readCode(root, field, "e");
      return;
    case "cstring": {
      const stop = code.keep(`${code.value(indexOfByte)}(b, 0, p, e)`);
      code.refuseIf(`p > e || ${stop} < 0`);
      code.line(`p = ${stop} + 1;`);
      return;
    }
    case "prefixed":
      behindCode(root, node.prefix, 1);
      return;
    case "array":
      arrayCode(root, node);
      return;
    case "bytes":
    case "text":
      if (typeof node.length === "object") {
        behindCode(root, node.length, 1);
        return;
      }
  }
  if (fixed < 0) throw UNKNOWN;
  advance(code, String(fixed));
}

const advance = (code: CodeText, bytes: string): void => {
  if (bytes !== "0") code.line(`p += ${bytes};`);
};

/** A number, followed by that many times `unit` bytes. */
function behindCode(root: Root, prefix: AnyField, unit: number): void {
  const { code } = root;
  const count = countCode(root, prefix, "e");
  if (canBeNegative(prefix)) code.refuseIf(`${count} < 0`);
  advance(code, unit === 1 ? count : `${count} * ${unit}`);
}

const canBeNegative = ({ node }: AnyField): boolean => node.kind === "int" && node.signed;

function arrayCode(root: Root, { item, length }: NodeOf<"array">): void {
  const { code } = root;
  if (length === undefined) throw UNKNOWN;
  if (typeof length === "number") itemsCode(root, item, String(length));
  else if (item.fixed >= 0) behindCode(root, length, item.fixed);
  else {
    const count = code.keep(countCode(root, length, "e"));
    itemsCode(root, item, count);
  }
}

function itemsCode(root: Root, item: AnyField, count: string): void {
  const { code } = root;
  code.refuseIf(`!(${count} >= 0)`);
  if (item.fixed >= 0) {
    advance(code, `${count} * ${item.fixed}`);
    return;
  }
  const i = code.fresh();
  code.line(`for (let ${i} = 0; ${i} < ${count}; ${i}++) {`);
  skipCode(root, item);
  code.line("}");
}

function unionCode(root: Root, { base, cases }: NodeOf<"union">): void {
  const { code } = root;
  const number = readCode(root, (base.node as NodeOf<"enum">).base, "e");
  code.line(`switch (${number}) {`);
  for (const { code: tag, body } of cases) {
    code.line(`case ${literal(tag)}: {`);
    skipCode(root, body);
    code.line("break; }");
  }
  code.line(`default: ${code.refusal} }`);
}

function structCode(root: Root, plan: StructPlan, upTo: number, most: number): void {
  const { code } = root;
  const { steps, ranges } = plan;
  const total = totalOf(plan);
  const last = total === undefined ? steps.length - 1 : Math.max(total.step, upTo);
  const start = code.keep("p");
  const slots: string[] = [];
  const keep = ({ slot }: Step | BitMember, value: string): void => {
    if (slot >= 0) slots[slot] = value;
  };
  let answer = "";
  for (let i = 0; i <= last; i++) {
    const step = steps[i]!;
    const range = step.opens[0];
    if (range !== undefined) {
      const length = code.keep(announced(range, slots));
      code.refuseIf(`!(${length} >= 0)`);
      advance(code, length);
      i = range.to;
      continue;
    }
    if (ranges.some(({ origin, from, to }) => origin === "fields" && from <= i && i <= to)) {
      throw UNKNOWN;
    }
    stepCode(root, step, start, slots, keep, i === upTo);
    const own = step.starts[0];
    if (own === undefined || answer !== "") continue;
    answer = code.keep(`${own.origin === "whole" ? start : "p"} + ${announced(own, slots)}`);
    const least = steps.slice(i + 1).reduce((sum, one) => sum + one.least, 0);
    code.refuseIf(`!(${answer} >= p + ${least})`);
    if (most < Number.POSITIVE_INFINITY) code.refuseIf(`${answer} - ${start} > ${most}`);
  }
  if (answer === "") return;
  for (const { range, gap } of fitsOf(plan, upTo, last)) {
    const length = code.keep(announced(range, slots));
    code.refuseIf(`!(${length} >= 0 && p + ${gap} + ${length} <= ${answer})`);
  }
  code.line(`p = ${answer};`);
}

/** Bytes that a size announces. */
function announced({ node, slot }: Range, slots: readonly string[]): string {
  const { base, unit, add } = node;
  const isBig = base.node.kind === "int" && base.node.big;
  const number = isBig ? `Number(${slots[slot]})` : slots[slot]!;
  const bytes = unit === 1 ? number : `${number} * ${unit}`;
  return add === 0 ? bytes : `${bytes} - ${literal(add)}`;
}

function stepCode(
  root: Root,
  step: Step,
  start: string,
  slots: readonly string[],
  keep: (member: Step | BitMember, value: string) => void,
  isWanted: boolean,
): void {
  const { code } = root;
  const { kind, field, fixed, by, slot } = step;
  const { node } = field;
  switch (kind) {
    case "bits":
      code.refuseIf(`e - p < ${fixed}`);
      bitsCode(root, step, 0, keep);
      advance(code, String(fixed));
      return;
    case "align": {
      const { to } = node as NodeOf<"align">;
      advance(code, `(${to} - (p - ${start}) % ${to}) % ${to}`);
      return;
    }
    case "items":
      itemsCode(
        root,
        (listOf(field).node as NodeOf<"array">).item,
        code.keep(`Number(${slots[by]})`),
      );
      return;
    case "maybe":
      code.line(`if (Number(${slots[by]}) !== 0) {`);
      skipCode(root, (node as NodeOf<"optional">).inner);
      code.line("}");
      return;
    case "match":
      matchCode(root, node as NodeOf<"match">, slots[by]!);
      return;
    case "size":
    case "count":
    case "present":
      keep(step, readCode(root, (node as NodeOf<"size">).base, "e"));
      return;
    case "checksum":
      if (isWanted) code.refuseIf(`e - p < ${fixed}`);
      advance(code, String(fixed));
      return;
  }
  if (slot < 0 && !isWanted) {
    skipCode(root, field);
    return;
  }
  if (field.open) throw UNKNOWN;
  keep(step, readCode(root, field, "e"));
  // Also if it has no bytes of its own.
  code.refuseIf("p > e");
}

function matchCode(root: Root, node: NodeOf<"match">, tag: string): void {
  const { code } = root;
  code.line(`switch (String(${tag})) {`);
  for (const key of Object.keys(node.cases)) {
    code.line(`case ${quoted(key)}: {`);
    skipCode(root, caseOf(node, key) as Erased);
    code.line("break; }");
  }
  code.line("default: {");
  if (node.otherwise === undefined) code.line(code.refusal);
  else skipCode(root, erased(node.otherwise));
  code.line("} }");
}
