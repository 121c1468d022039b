import { type Erased, erased } from "./field.ts";
import type { NodeOf } from "./node.ts";

/** The kind of a step. All except "field" are for members that describe others, or are described. */
export type StepKind =
  | "field"
  | "bits"
  | "size"
  | "count"
  | "present"
  | "checksum"
  | "items"
  | "maybe"
  | "match"
  | "align";

/** A member that shares bytes with adjacent ones. */
export interface BitMember {
  readonly name: string;
  readonly field: Erased;
  readonly hidden: boolean;
  readonly shift: number;
  readonly mask: number;
  /** Slot of its number for members after it, or -1. */
  slot: number;
}

/** The bytes that a size counts. Indices are those of steps. */
export interface Range {
  /** Name of the size. */
  readonly by: string;
  readonly node: NodeOf<"size">;
  readonly slot: number;
  /** The step of the size, and the index of its bits. */
  readonly step: number;
  readonly member: BitMember | undefined;
  /** "whole" counts from the first byte of the struct. */
  readonly origin: "whole" | "rest" | "fields";
  /** First and last step in the window; none if `to < from`. */
  readonly from: number;
  readonly to: number;
  /**
   * The members of unknown size in it, if they are all bytes: their length determines the size before it is
   * written.
   */
  readonly parts: readonly Step[] | undefined;
  /** Bytes of the others. */
  readonly others: number;
}

/** A checksum and the range that it covers. */
export interface SumPlan {
  readonly step: number;
  readonly node: NodeOf<"checksum">;
  readonly from: number;
  readonly to: number;
}

/** One member of a struct, or several that share bytes. */
export interface Step {
  readonly name: string;
  readonly field: Erased;
  readonly kind: StepKind;
  /** Not part of the value. */
  readonly hidden: boolean;
  /** For bits: the members that share the bytes, in the order of the struct. */
  readonly members: readonly BitMember[];
  readonly endian: "be" | "le";
  readonly fixed: number;
  readonly least: number;
  /** The field inside its default, and the default. */
  readonly inner: Erased;
  readonly standIn: unknown;
  /** Reads a number of fixed size whose bytes are available. */
  readonly get: ((bytes: Uint8Array, at: number) => unknown) | undefined;
  /** For constants: the value that `get` must return. */
  readonly wanted: unknown;
  /** Offset from the first byte of the struct, or -1 if it depends on the fields before it. */
  readonly offset: number;
  /** True if every object inherits the name, so only an own member counts. */
  readonly inherited: boolean;
  /** Optional, and present if the window has not ended. */
  readonly trails: boolean;
  /** True if it neither describes others nor is described, so it is read and written alone. */
  isAlone: boolean;
  /** Slot of its value for members after it, or -1. */
  slot: number;
  /** Slot of the count, presence or tag that governs it, or -1. */
  by: number;
  /** Bytes of fixed members after it for which it must leave room. */
  trailing: number;
  /**
   * Ranges that begin before it, end after it, and begin with its own number; outer ones first, for `closes`
   * last.
   */
  opens: readonly Range[];
  closes: readonly Range[];
  starts: readonly Range[];
  /** For a size in whole bytes: the window that it counts. */
  counts: Range | undefined;
}

/** The layout of a struct. @internal */
export interface StructPlan {
  /** Members by name, bits too. */
  readonly fields: ReadonlyMap<string, Erased>;
  readonly steps: readonly Step[];
  readonly ranges: readonly Range[];
  readonly sums: readonly SumPlan[];
  readonly slots: number;
  readonly fixed: number;
  readonly least: number;
  readonly open: boolean;
}

const NONE: readonly never[] = [];

/** A step for a field alone. */
export function plainStep(name: string, field: Erased, offset: number): Step {
  const { fixed, least } = field;
  const { node } = field;
  const inner = withoutDefault(field);
  const isConstant = node.kind === "constant";
  return {
    name,
    field,
    kind: "field",
    hidden: field.hidden === true,
    members: NONE,
    endian: "be",
    fixed,
    least,
    inner,
    standIn: node.kind === "default" ? node.value : undefined,
    get: isConstant ? erased(node.base).get : inner.get,
    wanted: isConstant ? node.value : undefined,
    offset,
    inherited: name in Object.prototype,
    trails: node.kind === "optional",
    isAlone: false,
    slot: -1,
    by: -1,
    trailing: 0,
    opens: NONE,
    closes: NONE,
    starts: NONE,
    counts: undefined,
  };
}

/** The field inside its default. */
export const withoutDefault = (field: Erased): Erased =>
  field.node.kind === "default" ? withoutDefault(erased(field.node.inner)) : field;

export const nextOffset = (offset: number, { fixed }: Step): number =>
  offset < 0 || fixed < 0 ? -1 : offset + fixed;

function isOpen({ kind, field }: Step): boolean {
  if (kind === "maybe") return (field.node as NodeOf<"optional">).inner.open;
  return (kind === "field" || kind === "match") && field.open;
}

/**
 * Completes the plan: sums up sizes, and makes each step that takes its whole window leave room for fixed
 * ones after it.
 *
 * @throws TypeError if a field of unknown size follows such a step
 */
export function finishPlan(
  entries: readonly (readonly [string, Erased])[],
  steps: readonly Step[],
  ranges: readonly Range[],
  sums: readonly SumPlan[],
  slots: number,
): StructPlan {
  let open = false;
  steps.forEach((step, i) => {
    if (!isOpen(step)) return;
    const around = ranges.filter(({ from, to }) => from <= i && i <= to);
    if (around.length === 0) open = true;
    const last = Math.min(steps.length - 1, ...around.map(({ to }) => to));
    const mayBeFollowed = step.trails && !(step.field.node as NodeOf<"optional">).inner.open;
    for (const next of steps.slice(i + 1, last + 1)) {
      if (mayBeFollowed && next.trails) continue;
      if (next.fixed < 0) {
        throw new TypeError(
          `struct: "${step.name}" extends to the end, so "${next.name}" cannot follow it; give one of them a size`,
        );
      }
      step.trailing += next.fixed;
    }
  });
  for (const step of steps) {
    const { kind, slot, by, trailing, opens, closes, starts, trails } = step;
    step.isAlone =
      kind === "field" &&
      slot < 0 &&
      by < 0 &&
      trailing === 0 &&
      !trails &&
      opens.length + closes.length + starts.length === 0;
  }
  const fixed = steps.every((step) => step.fixed >= 0)
    ? steps.reduce((sum, step) => sum + step.fixed, 0)
    : -1;
  const least = steps.reduce((sum, step) => sum + step.least, 0);
  const fields = new Map(entries);
  return { fields, steps, ranges, sums, slots, fixed, least, open };
}
