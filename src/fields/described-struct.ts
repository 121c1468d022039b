import { isBytes, type Output, uint } from "../core/index.ts";
import type { CountedList } from "./array.ts";
import type { Cursor, Erased } from "./field.ts";
import {
  bytesText,
  leftOver,
  malformed,
  shownName,
  tooShort,
  unencodable,
  unexpected,
  within,
} from "./field-error.ts";
import { layOutSteps } from "./lay-out.ts";
import { insertVarint, patchNumber } from "./length.ts";
import { checkGap, type Members, memberOf, membersOf, namedMember } from "./members.ts";
import type { FieldNode, NodeOf } from "./node.ts";
import { skipPadding } from "./padding-bytes.ts";
import type { BitMember, Range, Step, StructPlan } from "./plan.ts";
import { readAlone, writeAlone } from "./step.ts";

/** A struct with members that describe others. @internal */
export function describedStruct(
  entries: readonly (readonly [string, Erased])[],
  low: boolean,
): {
  plan: StructPlan;
  read(bytes: Uint8Array, at: number, end: number, cursor: Cursor): unknown;
  write(value: unknown, out: Output): void;
} {
  const plan = layOutSteps(entries, low);
  return {
    plan,
    read: (bytes, at, end, cursor) => readDescribed(plan, bytes, at, end, cursor),
    write: (value, out) => writeDescribed(plan, value, out),
  };
}

/** The number of a member that shares bytes. */
export const bitsIn = (n: number, { shift, mask }: BitMember): number =>
  ((n >>> shift) & mask) >>> 0;

/** Bytes that a size announces. */
export const announcedBytes = ({ node }: Range, n: unknown): number =>
  Number(n) * node.unit - node.add;

/** True for 0, or the boolean that stands for it. */
export const isPresent = (n: unknown): boolean => Number(n) !== 0;

/** The case that a tag chooses; undefined if there is none. */
export function caseOf(node: NodeOf<"match">, tag: unknown): Erased | undefined {
  const key = String(tag);
  const found = Object.hasOwn(node.cases, key) ? node.cases[key] : node.otherwise;
  return found as Erased | undefined;
}

export const noCase = (node: NodeOf<"match">, tag: unknown): string =>
  `no case for "${node.tag}" ${shownName(tag)}`;

/** The error for a window that cannot have the announced size. */
export function announcedError(
  { node, origin }: Range,
  bytes: number,
  from: number,
  at: number,
  end: number,
): Error {
  const what = origin === "fields" ? ` for "${node.from}"` : "";
  const have = from + bytes < at ? `at least ${at - from} needed` : `${end - from} left`;
  return malformed(`${bytesText(bytes)} announced${what}, ${have}`, from);
}

function readDescribed(
  plan: StructPlan,
  bytes: Uint8Array,
  start: number,
  limit: number,
  cursor: Cursor,
): unknown {
  const { steps, sums } = plan;
  const value: Record<string, unknown> = {};
  const seen: unknown[] = [];
  const places: number[] = [];
  // Windows around the current one, except the outermost, which is `limit`.
  const ends: number[] = [];
  let depth = 0;
  let at = start;
  let end = limit;
  let name = "";
  try {
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!;
      name = step.name;
      if (sums.length > 0) places.push(at);
      if (step.isAlone) {
        const member = readAlone(step, bytes, at, end, cursor);
        at = cursor.at;
        if (!step.hidden) value[name] = member;
        continue;
      }
      const { field, kind, opens, closes, starts } = step;
      for (let q = 0; q < opens.length; q++) {
        const range = opens[q]!;
        name = range.by;
        if (depth++ > 0) ends.push(end);
        end = narrowed(range, seen[range.slot], at, at, end);
        name = step.name;
      }
      const stop = step.trailing > 0 ? Math.max(at, end - step.trailing) : end;
      if (kind === "bits") {
        name = step.members[0]!.name;
        if (stop - at < step.fixed) throw tooShort("group of bits", step.fixed, at, stop);
        const n = uint(bytes, at, step.fixed, step.endian);
        for (const member of step.members) {
          name = member.name;
          const raw = bitsIn(n, member);
          const meaning = member.field.fromBits!(raw, at);
          if (member.slot >= 0) seen[member.slot] = meaning ?? raw;
          if (!member.hidden) value[name] = meaning;
        }
        at += step.fixed;
      } else {
        let member: unknown;
        cursor.at = at;
        switch (kind) {
          case "items":
            member = (step.inner as unknown as CountedList).readItems(
              bytes,
              at,
              stop,
              cursor,
              Number(seen[step.by]),
            );
            break;
          case "maybe":
            if (isPresent(seen[step.by])) {
              const { inner } = field.node as NodeOf<"optional">;
              member = inner.read(bytes, at, stop, cursor);
            }
            break;
          case "match": {
            const node = field.node as NodeOf<"match">;
            const chosen = caseOf(node, seen[step.by]);
            if (chosen === undefined) throw malformed(noCase(node, seen[step.by]), at);
            member = chosen.read(bytes, at, stop, cursor);
            break;
          }
          case "align": {
            const { to, strict } = field.node as NodeOf<"align">;
            const width = padding(at - start, to);
            skipPadding(width, strict, bytes, at, stop);
            cursor.at = at + width;
            break;
          }
          default:
            member = readAlone(step, bytes, at, stop, cursor);
        }
        at = cursor.at;
        if (step.slot >= 0) seen[step.slot] = member;
        if (!step.hidden) value[name] = member;
      }
      for (let q = 0; q < starts.length; q++) {
        const range = starts[q]!;
        name = range.by;
        if (depth++ > 0) ends.push(end);
        end = narrowed(range, seen[range.slot], range.origin === "whole" ? start : at, at, end);
      }
      for (let q = 0; q < closes.length; q++) {
        name = closes[q]!.by;
        if (at !== end) throw leftOver(at, end);
        end = --depth > 0 ? ends.pop()! : limit;
      }
    }
    for (let q = 0; q < sums.length; q++) {
      const { step, node, from, to } = sums[q]!;
      name = steps[step]!.name;
      const place = places[step]!;
      const stop = places[to + 1] ?? at;
      const width = node.base.fixed;
      const have = node.base.read(bytes, place, place + width, cursor);
      const sum = sumOf(node, bytes, places[from]!, stop, place, width);
      if (sum !== have) throw unexpected(sum, have as number, place, `${node.name} `);
    }
  } catch (error) {
    throw within(error, name, "malformed", at);
  }
  cursor.at = at;
  return value;
}

/** End of the window of a size. */
function narrowed(range: Range, n: unknown, from: number, at: number, end: number): number {
  const length = announcedBytes(range, n);
  if (from + length >= at && from + length <= end) return from + length;
  throw announcedError(range, length, from, at, end);
}

/** Bytes up to the next multiple. */
export const padding = (offset: number, to: number): number => (to - (offset % to)) % to;

/** The checksum of `bytes[start .. end)`; its own bytes count as zeros. */
export function sumOf(
  { sum, base }: NodeOf<"checksum">,
  bytes: Uint8Array,
  start: number,
  end: number,
  place: number,
  width: number,
): number | bigint {
  let covered = bytes;
  let from = start;
  if (place >= start && place < end) {
    covered = bytes.slice(start, end).fill(0, place - start, place - start + width);
    from = 0;
  }
  const result = sum(covered, from, from + end - start);
  return base.node.kind === "int" && base.node.big ? BigInt(result) : Number(result);
}

function writeDescribed(plan: StructPlan, value: unknown, out: Output): void {
  const { steps, sums, ranges } = plan;
  const members = membersOf(value);
  const base = out.length;
  const isPlaced = sums.length + ranges.length > 0;
  const places: number[] = [];
  let missing: string | undefined;
  let name = "";
  try {
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!;
      name = step.name;
      if (isPlaced) places.push(out.length);
      if (step.isAlone) {
        writeAlone(step, step.hidden ? undefined : memberOf(members, step), out);
        continue;
      }
      const { field, kind, closes } = step;
      const node = field.node as FieldNode;
      switch (kind) {
        case "bits": {
          let n = 0;
          for (const member of step.members) {
            name = member.name;
            n += rawBits(plan, members, member) * 2 ** member.shift;
          }
          out.uint(n, step.fixed, step.endian);
          break;
        }
        case "size": {
          const range = step.counts!;
          if (range.parts !== undefined) field.write(knownSize(range, members), out);
          else if (step.fixed >= 0) out.reserve(step.fixed);
          break;
        }
        case "checksum":
          out.reserve(step.fixed);
          break;
        case "count":
        case "present":
          field.write(described(plan, members, node as NodeOf<"count" | "present">), out);
          break;
        case "maybe": {
          const member = memberOf(members, step);
          if (member !== undefined) (node as NodeOf<"optional">).inner.write(member as never, out);
          break;
        }
        case "match": {
          const choice = node as NodeOf<"match">;
          const tag = valueUnderDefault(plan, members, choice.tag);
          const chosen = caseOf(choice, tag);
          if (chosen === undefined) throw unencodable(noCase(choice, tag));
          chosen.write(memberOf(members, step), out);
          break;
        }
        case "align":
          out.reserve(padding(out.length - base, (node as NodeOf<"align">).to));
          break;
        default: {
          const member = memberOf(members, step);
          if (step.trails) missing = checkGap(step, member, missing);
          writeAlone(step, member, out);
        }
      }
      for (let q = 0; q < closes.length; q++) {
        name = closes[q]!.by;
        if (closes[q]!.parts === undefined) fillIn(closes[q]!, steps, places, base, out);
      }
    }
    for (const { step, node, from, to } of sums) {
      name = steps[step]!.name;
      const place = places[step]!;
      const start = places[from] ?? out.length;
      const covered = out.view(start, places[to + 1] ?? out.length);
      const { fixed } = node.base;
      const sum = sumOf(node, covered, 0, covered.length, place - start, fixed);
      patchNumber(node.base as Erased, out, place, sum);
    }
  } catch (error) {
    throw within(error, name, "unencodable");
  }
}

/** The number of a size whose bytes are known before they are written. */
function knownSize({ parts, others, node }: Range, members: Members): number {
  let bytes = others;
  for (const { name, standIn } of parts!) {
    const value = namedMember(members, name) ?? standIn;
    // A value that is not bytes is refused when it is written.
    if (isBytes(value)) bytes += value.length;
  }
  if (bytes + node.add < 0) throw unencodable(`a size cannot be ${bytes + node.add}`);
  return bytes + node.add;
}

/** Writes a size into the reserved room, or inserts it. */
function fillIn(
  range: Range,
  steps: readonly Step[],
  places: number[],
  base: number,
  out: Output,
): void {
  const { node, member, origin } = range;
  const step = steps[range.step]!;
  const place = places[range.step]!;
  const width = Math.max(0, step.fixed);
  const from = origin === "whole" ? base : origin === "rest" ? place + width : places[range.from]!;
  const bytes = out.length - from;
  const units = (length: number): number => {
    const n = (length + node.add) / node.unit;
    if (Number.isInteger(n)) return n;
    throw unencodable(`${bytesText(length)} cannot be counted in units of ${node.unit}`);
  };
  if (member !== undefined) {
    const n = member.field.toBits!(units(bytes)) * 2 ** member.shift;
    const others = uint(out.view(place, place + width), 0, width, step.endian);
    out.patch(place, width, others + n, step.endian);
  } else if (step.fixed >= 0) {
    patchNumber(node.base as Erased, out, place, units(bytes));
  } else {
    const own = origin === "whole" ? 1 : 0;
    const inserted = insertVarint(node.base as Erased, out, place, (w) => units(bytes + own * w));
    for (let i = range.step + 1; i < places.length; i++) places[i]! += inserted;
  }
}

/** The number of a member that shares bytes; sizes follow later. */
function rawBits(plan: StructPlan, members: Members, member: BitMember): number {
  const { field, name } = member;
  const { kind } = field.node;
  if (kind === "size") return 0;
  if (kind === "count" || kind === "present") {
    return field.toBits!(described(plan, members, field.node));
  }
  return field.toBits!(namedMember(members, name));
}

/** The number of a count or a presence for its target. */
function described(plan: StructPlan, members: Members, node: NodeOf<"count" | "present">): number {
  const target = valueUnderDefault(plan, members, node.target);
  if (node.kind === "present") return target === undefined ? 0 : 1;
  // A value that is not a list is refused when it is written.
  return Array.isArray(target) ? target.length : 0;
}

/** A member's value, or its default. */
function valueUnderDefault(plan: StructPlan, members: Members, name: string): unknown {
  const value = namedMember(members, name);
  if (value !== undefined) return value;
  const field = plan.fields.get(name);
  return field?.node.kind === "default" ? field.node.value : undefined;
}
