import { indexOfByte, uint } from "../core/index.ts";
import { checkMagic } from "./bytes.ts";
import {
  announcedBytes,
  announcedError,
  bitsIn,
  caseOf,
  isPresent,
  noCase,
  padding,
} from "./described-struct.ts";
import type { AnyField, Cursor, Erased } from "./field.ts";
import { bytesText, malformed, within } from "./field-error.ts";
import type { Recursive } from "./lazy.ts";
import type { NodeOf } from "./node.ts";
import type { Range, Step, StructPlan } from "./plan.ts";

/*
 * Finds the end of a field without reading it, as soon as the available bytes determine it. If they do not,
 * each struct and list on the way leaves a note, the innermost one first; the next call reads the notes and
 * continues where this one stopped.
 */

/** The position at which a struct or a list stopped. Positions count from the start of the frame. */
interface Note {
  readonly i: number;
  readonly at: number;
  readonly seen: unknown[];
  readonly answer: number;
}

/** One search for the end of a frame. */
export interface Walk {
  /** The start of the frame. */
  start: number;
  /** How many bytes must be available before it makes sense to try again. */
  want: number;
  /** The last number that was read. */
  value: unknown;
  readonly notes: Note[];
  readonly cursor: Cursor;
}

export const newWalk = (): Walk => ({
  start: 0,
  want: 0,
  value: undefined,
  notes: [],
  cursor: { at: 0 },
});

/** Position after the field at `at`, which may lie after `end`; -1 while it is not known. */
export type Skip = (bytes: Uint8Array, at: number, end: number, walk: Walk) => number;

/** Farther than any frame: positions there are still exact, and stay so with a few bytes more. */
export const FAR: number = 2 ** 52;

/** The position that many bytes further. */
const ahead = (at: number, bytes: number): number => Math.min(at + bytes, FAR);

function wait(walk: Walk, want: number): -1 {
  walk.want = want;
  return -1;
}

const endless = (what: string): never => {
  throw new TypeError(
    `"${what}" has no end of its own: give it a size(...), or put the description behind a framing`,
  );
};

/** Skippers of fields that contain themselves. */
type Known = Map<AnyField, Skip>;

/**
 * Makes a function that finds the end of a field.
 *
 * @throws TypeError if the field does not determine its own end
 */
export function skipper(field: AnyField, known: Known = new Map()): Skip {
  const { node } = field;
  switch (node.kind) {
    case "constant":
      return checkedFixed(field as Erased, node.base as Erased);
    case "magic":
      return (bytes, at, end, walk) => {
        checkMagic(node.bytes, bytes, at, end);
        const stop = at + node.bytes.length;
        return stop > end ? wait(walk, Math.max(at, end) + 1) : stop;
      };
    case "struct":
      return structSkipper(node.plan, known);
    case "envelope":
    case "mapped":
    case "checked":
    case "default":
      return skipper(node.inner, known);
    case "enum":
    case "flags":
    case "size":
    case "count":
    case "present":
      return skipper(node.base, known);
    case "union":
      return unionSkipper(node, known);
    case "until":
      return untilSkipper(node, known);
    case "lazy":
      return lazySkipper(field, node, known);
    case "varint":
      return numberSkipper(field as Erased);
    case "cstring":
      return skipText;
    case "prefixed":
      skipperOf("body", node.inner, known, true);
      return behind(node.prefix as Erased);
    case "array":
      return arraySkipper(node, known);
    case "bytes":
    case "text":
      if (typeof node.length === "object") return behind(node.length as Erased);
      break;
  }
  if (field.fixed < 0) endless(node.kind);
  return (_, at) => at + field.fixed;
}

/** A skipper for a part; errors include the path to it. */
function skipperOf(name: string, field: AnyField, known: Known, sized = false): Skip {
  if (sized) return noSkip;
  try {
    return skipper(field, known);
  } catch (error) {
    throw new TypeError(`${name}: ${(error as Error).message}`);
  }
}

const noSkip: Skip = (_, at) => at;

/** A number whose value is needed. */
function numberSkipper(field: Erased): Skip {
  const { fixed } = field;
  const node = "base" in field.node ? field.node.base.node : field.node;
  if (node.kind === "varint") {
    return (bytes, at, end, walk) => {
      const last = Math.min(end, at + node.most);
      let stop = at;
      while (stop < last && bytes[stop]! > 0x7f) stop++;
      if (stop >= end && stop < at + node.most) return wait(walk, Math.max(end, at) + 1);
      walk.value = field.read(bytes, at, end, walk.cursor);
      return walk.cursor.at;
    };
  }
  return (bytes, at, end, walk) => {
    if (end - at < fixed) return wait(walk, at + fixed);
    walk.value = field.read(bytes, at, end, walk.cursor);
    return at + fixed;
  };
}

/** A constant, which is checked as soon as it is available. */
function checkedFixed(field: Erased, base: Erased): Skip {
  if (base.fixed >= 0) return numberSkipper(field);
  const skip = numberSkipper(base);
  return (bytes, at, end, walk) => {
    const stop = skip(bytes, at, end, walk);
    if (stop >= 0) field.read(bytes, at, end, walk.cursor);
    return stop;
  };
}

/** Bytes after their length. */
function behind(prefix: Erased, unit = 1): Skip {
  const skip = numberSkipper(prefix);
  return (bytes, at, end, walk) => {
    const from = skip(bytes, at, end, walk);
    if (from < 0) return -1;
    const count = Number(walk.value);
    if (count < 0) throw malformed(`${bytesText(count)} announced`, at);
    return ahead(from, count * unit);
  };
}

function skipText(bytes: Uint8Array, at: number, end: number, walk: Walk): number {
  const note = walk.notes.pop();
  const from = note === undefined ? at : walk.start + note.at;
  const stop = indexOfByte(bytes, 0, from, end);
  if (stop >= 0) return stop + 1;
  const looked = Math.max(end, from);
  walk.notes.push({ i: 0, at: looked - walk.start, seen: [], answer: -1 });
  return wait(walk, looked + 1);
}

function arraySkipper({ item, length }: NodeOf<"array">, known: Known): Skip {
  if (length === undefined) return endless("array");
  if (typeof length === "number") {
    if (item.fixed >= 0) return (_, at) => at + length * item.fixed;
    const items = itemsSkipper(item, known);
    return (bytes, at, end, walk) => items(bytes, at, end, walk, length);
  }
  const prefix = length as Erased;
  if (item.fixed >= 0) return behind(prefix, item.fixed);
  const head = numberSkipper(prefix);
  const items = itemsSkipper(item, known);
  return (bytes, at, end, walk) => {
    const from = head(bytes, at, end, walk);
    return from < 0 ? -1 : items(bytes, from, end, walk, Number(walk.value));
  };
}

type ItemsSkip = (bytes: Uint8Array, at: number, end: number, walk: Walk, count: number) => number;

/** A counted list of items of different sizes. */
function itemsSkipper(item: AnyField, known: Known): ItemsSkip {
  const skip = skipperOf("[]", item, known);
  return (bytes, start, end, walk, count) => {
    const note = walk.notes.pop();
    let i = note?.i ?? 0;
    let at = note === undefined ? start : walk.start + note.at;
    if (count < 0) throw malformed(`${count} items announced`, start);
    for (; i < count; i++) {
      let stop: number;
      try {
        stop = skip(bytes, at, end, walk);
      } catch (error) {
        throw within(error, i, "malformed", at);
      }
      if (stop < 0) {
        walk.notes.push({ i, at: at - walk.start, seen: [], answer: -1 });
        return -1;
      }
      at = stop;
    }
    return at;
  };
}

function untilSkipper({ item, last }: NodeOf<"until">, known: Known): Skip {
  const skip = skipperOf("[]", item, known);
  return (bytes, start, end, walk) => {
    const note = walk.notes.pop();
    let i = note?.i ?? 0;
    let at = note === undefined ? start : walk.start + note.at;
    for (; ; i++) {
      try {
        let stop = skip(bytes, at, end, walk);
        if (stop > end) stop = wait(walk, stop);
        if (stop < 0) {
          walk.notes.push({ i, at: at - walk.start, seen: [], answer: -1 });
          return -1;
        }
        const isLast = item.read(bytes, at, stop, walk.cursor) === last;
        at = stop;
        if (isLast) return at;
      } catch (error) {
        throw within(error, i, "malformed", at);
      }
    }
  };
}

function unionSkipper({ tag, base, cases }: NodeOf<"union">, known: Known): Skip {
  const names = base as Erased;
  const head = numberSkipper((base.node as NodeOf<"enum">).base as Erased);
  const skips = new Map(cases.map(({ name, code, body }) => [code, skipperOf(name, body, known)]));
  return (bytes, at, end, walk) => {
    const from = head(bytes, at, end, walk);
    if (from < 0) return -1;
    const skip = skips.get(walk.value as number);
    if (skip !== undefined) return skip(bytes, from, end, walk);
    try {
      // Reports its error.
      names.read(bytes, at, end, walk.cursor);
    } catch (error) {
      throw within(error, tag, "malformed", at);
    }
    return -1;
  };
}

function lazySkipper(field: AnyField, node: NodeOf<"lazy">, known: Known): Skip {
  const { deeper } = field as unknown as Recursive;
  const target = node.get();
  // Filled in below: it may contain itself.
  let skip = known.get(target);
  const lazily: Skip = (bytes, at, end, walk) =>
    deeper(
      (text) => malformed(text, at),
      () => skip!(bytes, at, end, walk),
    );
  if (skip !== undefined) return lazily;
  known.set(target, (bytes, at, end, walk) => skip!(bytes, at, end, walk));
  skip = skipper(target, known);
  return lazily;
}

/** The parts that a struct must check before the length is returned. */
interface StructWalk {
  readonly plan: StructPlan;
  /** The last step that is visited. */
  readonly last: number;
  /** A step that must be valid before the length is returned, or -1. */
  readonly upTo: number;
  readonly skips: readonly (Skip | undefined)[];
  readonly items: readonly (ItemsSkip | undefined)[];
  readonly cases: ReadonlyMap<AnyField, Skip>;
  /** Smallest size of the steps from each on. */
  readonly leastFrom: readonly number[];
  /** Above this size the following fields do not matter. */
  readonly most: number;
  readonly fits: readonly Fit[];
}

/** The size that determines the end of the struct. */
export const totalOf = ({ ranges }: StructPlan): Range | undefined =>
  ranges.find(
    ({ origin, step }) =>
      origin !== "fields" &&
      !ranges.some((other) => other.origin === "fields" && other.from <= step && step <= other.to),
  );

/** A size that must fit into the frame before the length is returned. */
export interface Fit {
  readonly range: Range;
  /** Bytes between the last step that is checked and the fields that the size counts. */
  readonly gap: number;
}

/** The sizes in step `upTo` that count something after step `last`, at a known distance. */
export function fitsOf({ ranges, steps }: StructPlan, upTo: number, last: number): readonly Fit[] {
  return ranges.flatMap((range): Fit[] => {
    if (range.step !== upTo || range.origin !== "fields" || range.from <= last) return [];
    const between = steps.slice(last + 1, range.from);
    if (between.some(({ fixed }) => fixed < 0)) return [];
    return [{ range, gap: between.reduce((sum, { fixed }) => sum + fixed, 0) }];
  });
}

/** Checks that the fields that a size counts, from `from` on, end within the frame. */
export function checkFit({ range }: Fit, n: unknown, from: number, end: number): void {
  const length = announcedBytes(range, n);
  if (length >= 0 && from + length <= end) return;
  throw announcedError(range, length, from, from, end);
}

/**
 * @param upTo - index of a step that must be available and valid before the length is returned
 * @param most - sizes above it are reported at once
 */
export function structSkipper(
  plan: StructPlan,
  known: Known,
  upTo = -1,
  most: number = Number.POSITIVE_INFINITY,
): Skip {
  const { steps, ranges } = plan;
  const total = totalOf(plan);
  const last = total === undefined ? steps.length - 1 : Math.max(total.step, upTo);
  const cases = new Map<AnyField, Skip>();
  const items: (ItemsSkip | undefined)[] = [];
  const skips = steps.map((step, i) => {
    const isSized = ranges.some(
      ({ origin, from, to }) => origin === "fields" && from <= i && i <= to,
    );
    if (i > last || isSized) return undefined;
    return stepSkipper(step, i, items, cases, known);
  });
  const leastFrom = [...steps, undefined].map((_, i) =>
    steps.slice(i).reduce((sum, { least }) => sum + least, 0),
  );
  const fits = total === undefined ? [] : fitsOf(plan, upTo, last);
  const way: StructWalk = { plan, last, upTo, skips, items, cases, leastFrom, most, fits };
  return (bytes, at, end, walk) => walkStruct(way, bytes, at, end, walk);
}

function stepSkipper(
  { kind, field, fixed, name }: Step,
  i: number,
  items: (ItemsSkip | undefined)[],
  cases: Map<AnyField, Skip>,
  known: Known,
): Skip | undefined {
  const { node } = field;
  try {
    switch (kind) {
      case "bits":
      case "align":
        return undefined;
      case "checksum":
        return (_, at) => at + fixed;
      case "size":
      case "count":
      case "present":
        return numberSkipper(field);
      case "maybe":
        return skipper((node as NodeOf<"optional">).inner, known);
      case "items": {
        const { item } = listNode(field);
        if (item.fixed < 0) items[i] = itemsSkipper(item, known);
        return undefined;
      }
      case "match": {
        const choice = node as NodeOf<"match">;
        const all = [...Object.values(choice.cases), choice.otherwise];
        for (const one of all) if (one !== undefined) cases.set(one, skipper(one, known));
        return undefined;
      }
      default:
        return skipper(field, known);
    }
  } catch (error) {
    throw new TypeError(`${name}: ${(error as Error).message}`);
  }
}

function listNode(field: AnyField): NodeOf<"array"> {
  const { node } = field;
  return node.kind === "default" ? listNode(node.inner) : (node as NodeOf<"array">);
}

function walkStruct(
  way: StructWalk,
  bytes: Uint8Array,
  base: number,
  end: number,
  walk: Walk,
): number {
  const { plan, last, leastFrom, most, fits } = way;
  const { steps } = plan;
  const note = walk.notes.pop();
  const seen = note?.seen ?? [];
  let i = note?.i ?? 0;
  let at = note === undefined ? base : walk.start + note.at;
  let answer = note === undefined || note.answer < 0 ? -1 : walk.start + note.answer;
  let name = "";
  try {
    for (; i <= last; i++) {
      const step = steps[i]!;
      const range = step.opens[0];
      if (range !== undefined) {
        name = range.by;
        const length = announcedBytes(range, seen[range.slot]);
        if (!(length >= 0)) throw malformed(`${bytesText(length)} announced`, at);
        at = ahead(at, length);
        i = range.to;
        continue;
      }
      name = step.name;
      const stop = walkStep(way, i, bytes, at, base, end, walk, seen, (member) => {
        name = member;
      });
      if (stop < 0) {
        walk.notes.push({
          i,
          at: at - walk.start,
          seen,
          answer: answer < 0 ? -1 : answer - walk.start,
        });
        return -1;
      }
      const own = step.starts[0];
      const place = at;
      at = stop;
      if (own === undefined || answer >= 0) continue;
      name = own.by;
      const from = own.origin === "whole" ? base : at;
      answer = ahead(from, announcedBytes(own, seen[own.slot]));
      const least = at + leastFrom[i + 1]!;
      if (!(answer >= least)) {
        const text = `a size of ${answer - from}, but at least ${least - from} are needed`;
        throw malformed(text, place);
      }
      if (answer - base > most) return answer;
    }
    for (const fit of answer < 0 ? [] : fits) {
      name = fit.range.by;
      checkFit(fit, seen[fit.range.slot], at + fit.gap, answer);
    }
  } catch (error) {
    throw within(error, name, "malformed", at);
  }
  return answer < 0 ? at : answer;
}

function walkStep(
  { plan, skips, items, cases, upTo }: StructWalk,
  i: number,
  bytes: Uint8Array,
  at: number,
  base: number,
  end: number,
  walk: Walk,
  seen: unknown[],
  blame: (name: string) => void,
): number {
  const step = plan.steps[i]!;
  const { kind, field, fixed, by, slot } = step;
  switch (kind) {
    case "bits": {
      if (end - at < fixed) return wait(walk, at + fixed);
      const n = uint(bytes, at, fixed, step.endian);
      for (const member of step.members) {
        blame(member.name);
        const raw = bitsIn(n, member);
        const meaning = member.field.fromBits!(raw, at);
        if (member.slot >= 0) seen[member.slot] = meaning ?? raw;
      }
      return at + fixed;
    }
    case "align":
      return at + padding(at - base, (field.node as NodeOf<"align">).to);
    case "items": {
      const skip = items[i];
      const count = Number(seen[by]);
      if (skip !== undefined) return skip(bytes, at, end, walk, count);
      if (count < 0) throw malformed(`${count} items announced`, at);
      return ahead(at, count * listNode(field).item.fixed);
    }
    case "maybe":
      return isPresent(seen[by]) ? skips[i]!(bytes, at, end, walk) : at;
    case "match": {
      const node = field.node as NodeOf<"match">;
      const chosen = caseOf(node, seen[by]);
      if (chosen === undefined) throw malformed(noCase(node, seen[by]), at);
      return cases.get(chosen)!(bytes, at, end, walk);
    }
    default: {
      const stop = skips[i]!(bytes, at, end, walk);
      if (stop < 0 || (slot < 0 && i !== upTo)) return stop;
      if (stop > end) return wait(walk, stop);
      const value = field.read(bytes, at, stop, walk.cursor);
      if (slot >= 0) seen[slot] = value;
      return stop;
    }
  }
}
