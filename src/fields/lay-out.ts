import { bitsText } from "./bits-text.ts";
import type { Erased } from "./field.ts";
import type { FieldNode, NodeOf } from "./node.ts";
import {
  type BitMember,
  finishPlan,
  nextOffset,
  plainStep,
  type Range,
  type Step,
  type StepKind,
  type StructPlan,
  type SumPlan,
  withoutDefault,
} from "./plan.ts";

type Entry = readonly [name: string, field: Erased];

/** A step while the plan is being made. */
type Draft = { -readonly [K in keyof Step]: Step[K] };

/** The position of a member: its step, and its bits in it. */
interface Place {
  readonly name: string;
  readonly index: number;
  readonly step: Draft;
  readonly member: BitMember | undefined;
  readonly node: FieldNode;
}

function fail(text: string): never {
  throw new TypeError(`struct: ${text}`);
}

/**
 * Lays out a struct with members that describe others.
 *
 * @throws TypeError if a member refers to one that does not exist, is of the wrong kind or is in the wrong
 *   place
 */
export function layOutSteps(entries: readonly Entry[], low: boolean): StructPlan {
  const steps = makeSteps(entries, low);
  const places = new Map<string, Place>();
  steps.forEach((step, index) => {
    if (step.kind !== "bits") {
      places.set(step.name, {
        name: step.name,
        index,
        step,
        member: undefined,
        node: step.field.node,
      });
    }
    for (const member of step.members) {
      const { name } = member;
      places.set(name, { name, index, step, member, node: member.field.node });
    }
  });
  const find = (name: string, by: string): Place =>
    places.get(name) ?? fail(`"${by}" refers to "${name}", but there is no field of that name`);

  let slots = 0;
  /** Keeps the number of a member for those after it. */
  const slotOf = ({ step, member }: Place): number => {
    const keeper = member ?? step;
    if (keeper.slot < 0) keeper.slot = slots++;
    return keeper.slot;
  };
  /** The step that a count or presence governs. */
  const governed = (place: Place, target: string, kind: StepKind, wanted: string): Draft => {
    const { step, index } = find(target, place.name);
    if (index <= place.index) fail(`"${place.name}" must stand before "${target}"`);
    if (step.by >= 0) fail(`"${place.name}" is not the only one to describe "${target}"`);
    if (withoutDefault(step.field).node.kind !== wanted) {
      fail(`"${place.name}" needs ${wanted}(...), which "${target}" is not`);
    }
    step.kind = kind;
    step.by = slotOf(place);
    step.trails = false;
    step.least = 0;
    step.fixed = -1;
    return step;
  };

  const ranges: Range[] = [];
  const sums: SumPlan[] = [];
  for (const place of places.values()) {
    const { node, name, index, step } = place;
    if (node.kind === "size") ranges.push(rangeOf(place, node, slotOf(place), find, steps));
    else if (node.kind === "count") {
      const target = governed(place, node.target, "items", "array");
      const list = withoutDefault(target.field).node as NodeOf<"array">;
      if (list.length !== undefined) fail(`"${node.target}" has a length of its own`);
    } else if (node.kind === "present") governed(place, node.target, "maybe", "optional");
    else if (node.kind === "match") {
      const tag = find(node.tag, name);
      if (tag.index >= index) fail(`"${node.tag}" must stand before "${name}"`);
      if (steps.some(({ kind }) => kind === "match")) {
        fail("only one field can be chosen by another; put others into a struct of their own");
      }
      step.kind = "match";
      step.by = slotOf(tag);
    } else if (node.kind === "checksum") sums.push(sumPlanOf(place, node, find, steps.length));
  }
  checkAlignment(steps, ranges);
  placeRanges(steps, ranges);
  return finishPlan(entries, steps, ranges, innerFirst(sums, steps), slots);
}

const KINDS: ReadonlySet<string> = new Set(["size", "count", "present", "checksum", "align"]);

/** A step for each member; bits share one. */
function makeSteps(entries: readonly Entry[], low: boolean): Draft[] {
  const steps: Draft[] = [];
  let offset = 0;
  for (let i = 0; i < entries.length; ) {
    const [name, field] = entries[i]!;
    const step: Draft = plainStep(name, field, offset);
    if (field.bits > 0) {
      const group = groupAt(entries, i);
      step.kind = "bits";
      step.members = membersOf(group, low);
      step.endian = low ? "le" : "be";
      step.fixed = sumOfBits(group) / 8;
      step.least = step.fixed;
      step.hidden = true;
      i += group.length;
    } else {
      const { node } = field;
      if (KINDS.has(node.kind)) step.kind = node.kind as StepKind;
      if (node.kind === "align" && offset >= 0) {
        step.fixed = (node.to - (offset % node.to)) % node.to;
        step.least = step.fixed;
      }
      i++;
    }
    offset = nextOffset(offset, step);
    steps.push(step);
  }
  return steps;
}

const sumOfBits = (group: readonly Entry[]): number =>
  group.reduce((sum, [, field]) => sum + field.bits, 0);

/** The adjacent members from `start` on that fill whole bytes. */
function groupAt(entries: readonly Entry[], start: number): readonly Entry[] {
  let end = start;
  while (end < entries.length && entries[end]![1].bits > 0) {
    const group = entries.slice(start, ++end);
    if (sumOfBits(group) % 8 !== 0) continue;
    if (sumOfBits(group) > 32) break;
    return group;
  }
  const group = entries.slice(start, end);
  const names = group.map(([name]) => name).join(", ");
  return fail(`${names} have ${bitsText(sumOfBits(group))}, which are not 1 to 4 whole bytes`);
}

function membersOf(group: readonly Entry[], low: boolean): readonly BitMember[] {
  const total = sumOfBits(group);
  let before = 0;
  return group.map(([name, field]) => {
    const { bits } = field;
    const shift = low ? before : total - before - bits;
    before += bits;
    const hidden = field.hidden === true;
    return { name, field, hidden, shift, mask: 2 ** bits - 1, slot: -1 };
  });
}

type Find = (name: string, by: string) => Place;

/** A range of names must begin and end with whole bytes. */
function stepRange(find: Find, by: string, from: string, to: string): readonly [number, number] {
  const first = find(from, by);
  const last = find(to, by);
  if (first.index > last.index) fail(`"${by}" names "${from}" before "${to}", which precedes it`);
  const { members } = last.step;
  const isCut =
    (first.member !== undefined && first.step.members[0] !== first.member) ||
    (last.member !== undefined && members[members.length - 1] !== last.member);
  if (isCut) fail(`"${by}" counts bytes, but begins or ends inside of one`);
  return [first.index, last.index];
}

function rangeOf(
  { name, index, member }: Place,
  node: NodeOf<"size">,
  slot: number,
  find: Find,
  steps: readonly Draft[],
): Range {
  const common = { by: name, node, slot, step: index, member };
  if (node.from === "*" || node.from === ">") {
    const origin = node.from === "*" ? "whole" : "rest";
    const own = origin === "whole" ? steps.slice(0, index + 1) : [];
    const counted = partsOf([...own, ...steps.slice(index + 1)], node, member);
    return { ...common, origin, from: index + 1, to: steps.length - 1, ...counted };
  }
  const [from, to] = stepRange(find, name, node.from, node.to);
  if (from <= index) fail(`"${name}" must stand before "${node.from}"`);
  const counted = partsOf(steps.slice(from, to + 1), node, member);
  return { ...common, origin: "fields", from, to, ...counted };
}

/** The members that determine a size before its bytes are written. */
function partsOf(
  counted: readonly Draft[],
  { unit }: NodeOf<"size">,
  member: BitMember | undefined,
): Pick<Range, "parts" | "others"> {
  const others = counted.reduce((sum, { fixed }) => sum + Math.max(0, fixed), 0);
  const parts = counted.filter(({ fixed }) => fixed < 0);
  const isKnown =
    unit === 1 &&
    member === undefined &&
    parts.every(({ inner: { node } }) => node.kind === "bytes" && node.length === undefined);
  return { others, parts: isKnown ? parts : undefined };
}

function sumPlanOf(
  { name, index }: Place,
  node: NodeOf<"checksum">,
  find: Find,
  length: number,
): SumPlan {
  const { from, to } = node;
  if (from === undefined) {
    if (index === 0) fail(`"${name}" is first, so name the fields that it covers`);
    return { step: index, node, from: 0, to: index - 1 };
  }
  if (from === "*") return { step: index, node, from: 0, to: length - 1 };
  if (from === ">") return { step: index, node, from: index + 1, to: length - 1 };
  const [first, last] = stepRange(find, name, from, to ?? from);
  return { step: index, node, from: first, to: last };
}

/** A varint is inserted once the rest is written, which would move aligned fields. */
function checkAlignment(steps: readonly Draft[], ranges: readonly Range[]): void {
  steps.forEach(({ kind, name, offset }, i) => {
    if (kind !== "align" || offset >= 0) return;
    const moving = ranges.find(({ step, to }) => steps[step]!.fixed < 0 && step < i && to >= i);
    if (moving === undefined) return;
    fail(`"${name}" cannot be aligned inside of what "${moving.by}" counts as a varint`);
  });
}

/** Sets the ranges that begin and end at each step: outer ones begin first and end last. */
function placeRanges(steps: readonly Draft[], ranges: readonly Range[]): void {
  const outerFirst = Array.from(ranges).sort(
    (a, b) => a.from - b.from || b.to - a.to || a.step - b.step,
  );
  for (const [i, range] of outerFirst.entries()) {
    const { from, to, step, origin } = range;
    const torn = outerFirst.slice(0, i).find((outer) => from <= outer.to && to > outer.to);
    if (torn !== undefined) fail(`"${torn.by}" and "${range.by}" overlap`);
    const begin = steps[origin === "fields" ? from : step]!;
    if (origin === "fields") begin.opens = [...begin.opens, range];
    else begin.starts = [...begin.starts, range];
    if (range.member === undefined) steps[step]!.counts = range;
    const end = steps[Math.max(to, step)]!;
    end.closes = [range, ...end.closes];
  }
}

/** A checksum that covers another one is written after it. */
function innerFirst(sums: readonly SumPlan[], steps: readonly Draft[]): readonly SumPlan[] {
  const left = Array.from(sums);
  const sorted: SumPlan[] = [];
  const covers = ({ from, to, step }: SumPlan, other: SumPlan): boolean =>
    step !== other.step && from <= other.step && other.step <= to;
  while (left.length > 0) {
    const next = left.findIndex((sum) => !left.some((other) => covers(sum, other)));
    if (next < 0) {
      fail(`${left.map(({ step }) => `"${steps[step]!.name}"`).join(" and ")} cover each other`);
    }
    sorted.push(...left.splice(next, 1));
  }
  return sorted;
}
