import { type Arbitrary, constant, constantFrom, nat, oneof, sample, tuple } from "fast-check";
import type { AnyField, BitMember, Erased, Field, NodeOf, Step } from "../../fields/index.ts";
import { equal } from "../equal.ts";
import {
  arbitraryOf,
  type Context,
  checkedOptions,
  DESCRIBERS,
  hasOthers,
  largest,
  tagValue,
  type ValuesOptions,
} from "./values-of.ts";

/**
 * Values that a description must refuse to write: each is a valid value with one fault, at any depth. The
 * faults are: a number that is out of range or has a fraction, bytes or text that are too long for their
 * length field, a lone surrogate, an unknown name, a case that does not exist, a missing member, a value of
 * another type, a value that fails a check.
 *
 * `laws` of a description uses them for the law "refusal".
 *
 * @param field - a description, or a protocol made by `protocolOf`
 * @param options - as for {@link valuesOf}
 * @throws TypeError if no such value can be derived (the description is a bare `codec`)
 *
 * @example
 * ```ts
 * import fc from "fast-check";
 * import { Output } from "framewright";
 * import { struct, u8, utf8 } from "framewright/fields";
 * import { refusedOf } from "framewright/testing";
 *
 * const person = struct({ age: u8, name: utf8(u8) });
 * const refused = fc.sample(refusedOf(person), 100).filter((value) => {
 *   try {
 *     person.encode(value as never, new Output());
 *     return false;
 *   } catch {
 *     return true;
 *   }
 * });
 * console.log(refused.length);
 * //=> 100
 * ```
 */
export function refusedOf<In, Out>(
  field: Field<In, Out> | { readonly field: Field<In, Out> },
  options: ValuesOptions = {},
): Arbitrary<unknown> {
  const described = "field" in field ? field.field : field;
  const list = faultsOf(described, options, "refusedOf(description, *)");
  if (list.length > 0) return oneof(...list);
  throw new TypeError("refusedOf: no value can be derived that this description must refuse");
}

/** One arbitrary for each kind of fault; empty if none can be derived. @internal */
export function faultsOf(field: AnyField, options: ValuesOptions, call: string): readonly Values[] {
  const { max, context } = checkedOptions(options, call);
  return faults(field, { ...context, known: [new Map(), new Map()] }, max);
}

/**
 * A field that is used in several places has the same faults in each, so faults of fields that are not
 * nested yet are stored.
 */
interface FaultContext extends Context {
  readonly known: readonly [Map<AnyField, Values[]>, Map<AnyField, Values[]>];
}

type Values = Arbitrary<unknown>;
type Members = Readonly<Record<string, unknown>>;

// No longer ones are made: a length field of 24 bits or more is not exceeded.
const LONGEST = 2 ** 16;

function faults(field: AnyField, context: FaultContext, room: number): Values[] {
  const known = context.known[context.depth > 0 ? 1 : 0];
  const list = known.get(field) ?? newFaults(field, context, room);
  known.set(field, list);
  return list;
}

function newFaults(field: AnyField, context: FaultContext, room: number): Values[] {
  const { node } = field;
  switch (node.kind) {
    case "int": {
      const most = largest(field);
      if (!node.big) return [outside(node.signed ? -most - 1 : 0, most)];
      const [low, high] = node.signed ? [-(1n << 63n), 1n << 63n] : [0n, 1n << 64n];
      return [constantFrom<unknown>(low - 1n, high, 2 ** 53, 0.5, null)];
    }
    case "varint":
    case "bits":
      return [outside(0, largest(field))];
    case "float":
      return [constantFrom<unknown>(...(node.width === 4 ? [1e39, -1e39] : []), 1n, "1", null)];
    case "flag":
      return [constantFrom<unknown>(0, 1, "true", null)];
    case "enum":
      return [...badNames(node), ...(node.open ? faults(node.base, context, room) : [])];
    case "flags":
      return [constantFrom<unknown>(7, null, ...node.names.map((name) => ({ [name]: 1 })))];
    case "bytes":
      return [constantFrom<unknown>("text", [1], null), ...badLengths(node.length, bytesOf)];
    case "text":
      return badTexts(node);
    case "cstring":
      return [constantFrom<unknown>("a\0", "\0", null), ...outsideOf(node.charset)];
    case "array":
      return badLists(field, node, context, room);
    case "until": {
      const { item, last } = node;
      const ended = arbitraryOf(field, context, room).map((list) => [...(list as unknown[]), last]);
      return [ended, ...withBadItem(field, item, context, room), constantFrom(7, null)];
    }
    case "prefixed": {
      const most = largest(node.prefix);
      return [...faults(node.inner, context, room), ...longerThan(node.inner, most, context, room)];
    }
    case "optional":
    case "default":
      return faults(node.inner, context, room);
    case "checked":
      return [
        ...faults(node.inner, context, room),
        ...found(
          arbitraryOf(node.inner, context, room),
          (value) => node.fault(value) !== undefined,
        ),
      ];
    case "mapped":
      return badMappings(node, context, room);
    case "envelope": {
      const { inner, name } = node;
      const members = badMembers(inner, inner.node as NodeOf<"struct">, context, room);
      return members.map((list) => list.map((value) => (value as Members)[name]));
    }
    case "union": {
      const inCases = few(node.cases).flatMap(({ body }) =>
        badMembers(body, body.node as NodeOf<"struct">, context, room),
      );
      const names = badNames(node.base.node as NodeOf<"enum">);
      return [
        ...names.map((list) => list.map((name) => ({ [node.tag]: name }))),
        ...inCases,
        constantFrom(7, null),
      ];
    }
    case "struct":
      return [...badMembers(field, node, context, room), constantFrom<unknown>(7, "text", null)];
    case "lazy":
      // Deeper levels have the same faults.
      return context.depth > 0
        ? []
        : faults(node.get(), { ...context, depth: context.depth + 1 }, room);
    default:
      return [];
  }
}

const MOST_CASES = 8;

/** A few items from the whole range: most of many cases differ little, and nested ones multiply. */
const few = <T>(list: readonly T[]): readonly T[] => {
  const step = Math.max(1, (list.length - 1) / (MOST_CASES - 1));
  return list.filter((_, i) => Math.floor(i / step) > Math.floor((i - 1) / step));
};

/** Numbers beyond both limits, and numbers that are not integers. */
const outside = (least: number, most: number): Values =>
  constantFrom<unknown>(least - 1, most + 1, 0.5, Number.NaN, "1", null);

function badNames({ names, open }: NodeOf<"enum">): Values[] {
  const unknown = ["?", "", "constructor", "__proto__"].filter(
    (name) => !Object.hasOwn(names, name),
  );
  // In an open enum, a code with a name would be read as the name; other codes are values.
  const codes = Object.values(names);
  return [
    constantFrom<unknown>(...unknown, ...codes, null, ...(open ? [] : [Math.max(...codes) + 1])),
  ];
}

const bytesOf = (length: number): unknown => new Uint8Array(length);
const textOf = (length: number): unknown => "a".repeat(length);

/** Values of a wrong length, or too long for their length field. */
function badLengths(
  length: number | AnyField | undefined,
  make: (length: number) => unknown,
): Values[] {
  if (length === undefined) return [];
  if (typeof length === "number") {
    return [constantFrom(make(length + 1), ...(length > 0 ? [make(length - 1)] : []))];
  }
  const most = largest(length);
  return most < LONGEST ? [constantFrom(make(most + 1), make(most + 2))] : [];
}

const outsideOf = (charset: string): Values[] => [
  charset === "utf8"
    ? constantFrom("\ud800", "a\udc00b")
    : constantFrom("\u0100", "ab\u20ac", ...(charset === "ascii" ? ["\x80", "\xff"] : [])),
];

function badTexts({ charset, length, pad }: NodeOf<"text">): Values[] {
  const others = [constantFrom<unknown>(7, null, [1]), ...outsideOf(charset)];
  if (pad === undefined) return [...others, ...badLengths(length, textOf)];
  const most = length as number;
  const padding = String.fromCharCode(pad);
  const padded = most > 0 ? [padding, "a".repeat(most - 1) + padding] : [];
  return [...others, constantFrom(textOf(most + 1), ...padded)];
}

/** Valid lists with one bad item. */
function withBadItem(
  list: AnyField,
  item: AnyField,
  context: FaultContext,
  room: number,
): Values[] {
  const good = arbitraryOf(list, context, room) as Arbitrary<readonly unknown[]>;
  return faults(item, context, Math.floor(room / 2)).map((bad) =>
    tuple(good, bad, nat(20)).map(([items, wrong, picked]) => {
      // Replaces an item: a list with a fixed length, or a full one, would be refused for another reason.
      const at = items.length === 0 ? 0 : picked % items.length;
      return [...items.slice(0, at), wrong, ...items.slice(at + 1)];
    }),
  );
}

function badLists(
  field: AnyField,
  { item, length }: NodeOf<"array">,
  context: FaultContext,
  room: number,
): Values[] {
  const items = arbitraryOf(item, context, Math.min(room, 60));
  const many = (count: number): Values =>
    items.map((one) => Array.from({ length: count }, () => one));
  const others = [
    ...withBadItem(field, item, context, room),
    constantFrom<unknown>(7, null, "text"),
  ];
  if (typeof length === "number") return [...others, many(length + 1)];
  if (length === undefined || largest(length) >= LONGEST) return others;
  return [...others, many(largest(length) + 1)];
}

/** The values for which `keep` returns true, if a sample contains any. */
function found(values: Values, keep: (value: unknown) => boolean): Values[] {
  const list = sample(values, { numRuns: 80, seed: 1 }).filter((value) => {
    try {
      return value !== undefined && keep(value);
    } catch {
      return false;
    }
  });
  return list.length === 0 ? [] : [constantFrom(...list)];
}

/** Values that the inner field refuses, mapped back: only those that are written as exactly that value. */
function badMappings(
  { inner, read, write }: NodeOf<"mapped">,
  context: FaultContext,
  room: number,
): Values[] {
  const list = faults(inner, context, room);
  if (list.length === 0) return [];
  const made = oneof(...list).map((raw) => {
    try {
      const value = read(raw as never);
      return equal(write(value as never), raw) ? value : undefined;
    } catch {
      return undefined;
    }
  });
  return found(made, () => true);
}

/** Objects with one member that is invalid, missing, unknown, or contradicts another one. */
function badMembers(
  field: AnyField,
  node: NodeOf<"struct">,
  context: FaultContext,
  room: number,
): Values[] {
  const { steps, ranges } = node.plan;
  const good = arbitraryOf(field, context, room) as Arbitrary<Members>;
  const withMembers = (bad: Arbitrary<Members>): Values =>
    tuple(good, bad).map(([value, wrong]) => ({ ...value, ...wrong }));
  const spoil = (name: string, bad: Values): Values =>
    withMembers(bad.map((value) => ({ [name]: value })));
  const all = steps.flatMap((step): readonly (Step | BitMember)[] =>
    step.kind === "bits" ? step.members : [step],
  );
  const members = all.filter(
    ({ field: one }) => one.hidden !== true && !DESCRIBERS.has(one.node.kind),
  );

  const list = members.flatMap(({ name, field: one }) =>
    one.node.kind === "match"
      ? badCases(name, one.node, members, context, room).map(withMembers)
      : faults(one, context, room).map((bad) => spoil(name, bad)),
  );
  for (const { name, field: one } of members) {
    if (one.mayLack === true || !refusesNothing(one)) continue;
    list.push(
      good.map((value) =>
        Object.fromEntries(Object.entries(value).filter(([key]) => key !== name)),
      ),
    );
  }
  for (const { node: size, from, to } of ranges) {
    // One unit more than the number can count.
    const most = (largest(size.base) + 1) * size.unit - size.add - 1;
    const inside = steps.slice(from, to + 1);
    for (const { name, field: one, hidden } of inside) {
      if (hidden) continue;
      list.push(...longerThan(one, most, context, room).map((bad) => spoil(name, bad)));
    }
    const only = inside.length === 1 ? inside[0]! : undefined;
    if (size.unit === 1 || only === undefined || without(only.field).node.kind !== "bytes")
      continue;
    const odd = Array.from({ length: size.unit }, (_, n) => n).filter(
      (n) => (n + size.add) % size.unit,
    );
    list.push(spoil(only.name, constantFrom(...odd.map(bytesOf))));
  }
  for (const step of all) {
    if (step.field.node.kind !== "count") continue;
    const { base, target } = step.field.node;
    const counted = members.find(({ name }) => name === target);
    const most = largest(base);
    if (counted === undefined || most >= LONGEST) continue;
    const { item } = without(counted.field).node as NodeOf<"array">;
    const items = arbitraryOf(item, context, 60);
    list.push(
      spoil(
        target,
        items.map((one) => Array.from({ length: most + 1 }, () => one)),
      ),
    );
  }
  const [first, second] = steps.filter(({ trails }) => trails);
  if (first !== undefined && second !== undefined) {
    const { inner } = second.field.node as NodeOf<"optional">;
    const later = arbitraryOf(inner, context, Math.max(inner.least, 20));
    list.push(
      withMembers(later.map((value) => ({ [first.name]: undefined, [second.name]: value }))),
    );
  }
  if (node.strict) {
    const unknown = ["extra", "toString"].filter((name) => !node.plan.fields.has(name));
    for (const name of unknown) list.push(spoil(name, constant(1)));
  }
  return list;
}

/** The list or bytes inside a default. */
const without = (field: AnyField): AnyField =>
  field.node.kind === "default" ? without(field.node.inner) : field;

/** For each case, its tag with an invalid value; and tags without a case. */
function badCases(
  name: string,
  { tag, cases, otherwise }: NodeOf<"match">,
  members: readonly { readonly name: string; readonly field: AnyField }[],
  context: FaultContext,
  room: number,
): Arbitrary<Members>[] {
  const tags = members.find((member) => member.name === tag)!.field;
  const list = few(Object.entries(cases)).flatMap(([key, body]) =>
    faults(body, context, room).map((bad) =>
      bad.map((value): Members => ({ [tag]: tagValue(tags, key), [name]: value })),
    ),
  );
  if (!hasOthers(tags, cases)) return list;
  const [other] = found(
    arbitraryOf(tags, context, room),
    (value) => !Object.hasOwn(cases, String(value)),
  );
  if (other === undefined) return list;
  if (otherwise === undefined) return [...list, other.map((value): Members => ({ [tag]: value }))];
  const more = faults(otherwise, context, room).map((bad) =>
    tuple(other, bad).map(([value, wrong]): Members => ({ [tag]: value, [name]: wrong })),
  );
  return [...list, ...more];
}

/** True if `undefined` is refused regardless of functions of the user. */
function refusesNothing(field: AnyField): boolean {
  const { node } = field;
  switch (node.kind) {
    case "mapped":
    case "codec":
    case "tag":
    case "match":
    case "optional":
    case "default":
      return false;
    case "checked":
    case "prefixed":
      return refusesNothing(node.inner);
    case "lazy":
      return true;
    case "envelope":
      return refusesNothing((node.inner.node as NodeOf<"struct">).fields[node.name]!);
    default:
      return true;
  }
}

/** Values of more than `most` bytes, if they are easy to make. */
function longerThan(field: AnyField, most: number, context: FaultContext, room: number): Values[] {
  if (!(most >= 0 && most < LONGEST)) return [];
  const made = long(field, most + 1, context, room);
  return made === undefined ? [] : [made];
}

function long(
  field: AnyField,
  bytes: number,
  context: FaultContext,
  room: number,
): Values | undefined {
  const { node } = field;
  switch (node.kind) {
    case "bytes":
      return node.length === undefined ? constant(bytesOf(bytes)) : undefined;
    case "text":
      return node.length === undefined ? constant(textOf(bytes)) : undefined;
    case "cstring":
      return constant(textOf(bytes));
    case "array": {
      const { item, length } = node;
      if (typeof length === "number" || item.least === 0) return undefined;
      const count = Math.ceil(bytes / item.least);
      return arbitraryOf(item, context, 60).map((one) => Array.from({ length: count }, () => one));
    }
    case "default":
    case "checked":
    case "optional":
    case "prefixed":
      return long(node.inner, bytes, context, room);
    case "envelope":
      return long(node.inner, bytes, context, room)?.map((value) => (value as Members)[node.name]);
    case "struct": {
      const good = arbitraryOf(field, context, room);
      for (const [name, one] of node.plan.fields) {
        if ((one as Erased).hidden === true || one.node.kind === "match") continue;
        const made = long(one, bytes, context, room);
        if (made === undefined) continue;
        return tuple(good, made).map(([value, more]) => ({ ...(value as Members), [name]: more }));
      }
      return undefined;
    }
    default:
      return undefined;
  }
}
