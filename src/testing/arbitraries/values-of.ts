import {
  type Arbitrary,
  array,
  bigInt,
  boolean,
  constant,
  constantFrom,
  double,
  float,
  oneof,
  option,
  record,
  string,
} from "fast-check";
import { type Codec, checkOptions, json, Output } from "../../core/index.ts";
import type {
  AnyField,
  BitMember,
  Erased,
  Field,
  FieldNode,
  NodeOf,
  Range,
  Step,
} from "../../fields/index.ts";
import { stretchableBytes } from "./bytes.ts";
import { field as integers } from "./edges.ts";
import { jsonValues } from "./json.ts";
import { lengths } from "./lengths.ts";
import { stretchableText } from "./text.ts";

/** Options for {@link valuesOf}. */
export interface ValuesOptions {
  /**
   * Maximum size of a value on the wire, in bytes, unless its smallest form is larger.
   * @defaultValue 300; only among the first cases of a law are values of up to 66,000 bytes, at the limits
   *   of lengths of one and two bytes
   */
  readonly max?: number | undefined;
  /**
   * Arbitraries for fields with values that cannot be derived (those made by `codec`, except of a plain
   * `json()`), or replacements for other fields.
   */
  readonly of?: ReadonlyMap<AnyField, Arbitrary<unknown>> | undefined;
}

/**
 * Values of a description, in the form in which they are received: defaults are filled in, so a round trip
 * returns an equal value. They include numbers at the limits of their range, lengths at which length fields
 * overflow, every name, every case, with and without optional fields.
 *
 * @param field - a description, or a protocol made by `protocolOf`
 * @throws TypeError if it contains a `codec` other than `json()` without an arbitrary in `of`; while values are made, if no
 *   value is found that passes one of your checks
 *
 * @example
 * ```ts
 * import fc from "fast-check";
 * import { struct, u8, utf8 } from "framewright/fields";
 * import { valuesOf } from "framewright/testing";
 *
 * const person = struct({ age: u8, name: utf8(u8) });
 * const [sample] = fc.sample(valuesOf(person), { numRuns: 1, seed: 1 });
 * console.log(Object.keys(sample!));
 * //=> [ 'age', 'name' ]
 * ```
 */
export function valuesOf<In, Out>(
  field: Field<In, Out> | { readonly field: Field<In, Out> },
  options: ValuesOptions = {},
): Arbitrary<In & Out> {
  return derived(field, options, "valuesOf(description, *)");
}

/** {@link valuesOf} for another function: see {@link checkedOptions}. @internal */
export function derived<In, Out>(
  field: Field<In, Out> | { readonly field: Field<In, Out> },
  options: ValuesOptions,
  call: string,
): Arbitrary<In & Out> {
  const { max, context } = checkedOptions(options, call);
  const described = "field" in field ? field.field : field;
  return arbitraryOf(described, context, max) as Arbitrary<In & Out>;
}

/**
 * Options with their defaults.
 *
 * @param call - how the options are passed, for errors: "laws(protocol, *)"
 * @internal
 */
export function checkedOptions(
  options: ValuesOptions,
  call: string,
): { readonly max: number; readonly context: Context } {
  checkOptions(call.slice(0, call.indexOf("(")), options, ["max", "of"]);
  const { max = 300, of = new Map() } = options;
  return { max, context: { of, call, depth: 0, reach: options.max === undefined ? REACH : 0 } };
}

/** Size of a long value: more than a length of two bytes can count, with a header. */
const REACH = 66_000;

/** State while values of nested fields are made. @internal */
export interface Context {
  readonly of: ReadonlyMap<AnyField, Arbitrary<unknown>>;
  /** How the options are passed. */
  readonly call: string;
  readonly depth: number;
  /** Size to which bytes or a text may be stretched by the first cases of a law; 0 if to none. */
  readonly reach: number;
}

type Values = Arbitrary<unknown>;
type Members = Readonly<Record<string, unknown>>;

// Strict comparisons treat objects without a prototype as different from decoded ones.
const PLAIN = { noNullPrototype: true } as const;

/** Largest number that a field can hold. @internal */
export function largest(field: AnyField): number {
  const { node } = field;
  switch (node.kind) {
    case "int":
      return Math.min(Number.MAX_SAFE_INTEGER, 2 ** (8 * node.width - (node.signed ? 1 : 0)) - 1);
    case "varint":
      return Math.min(Number.MAX_SAFE_INTEGER, 2 ** (7 * node.most) - 1);
    case "bits":
      return 2 ** node.bits - 1;
    default:
      return 0;
  }
}

/** Values that take at most `room` bytes, if possible. @internal */
export function arbitraryOf(field: AnyField, context: Context, room: number): Values {
  const own = context.of.get(field);
  if (own !== undefined) return own;
  const { node } = field;
  switch (node.kind) {
    case "int":
      return node.big
        ? bigIntegers(node)
        : integers(node.signed ? -largest(field) - 1 : 0, largest(field));
    case "float":
      return node.width === 4 ? float({ noNaN: true }) : double({ noNaN: true });
    case "varint":
      return integers(
        0,
        Math.min(largest(field), room < 8 ? 2 ** (7 * Math.max(1, room)) - 1 : Infinity),
      );
    case "bits":
      return integers(0, largest(field));
    case "flag":
      return boolean();
    case "enum":
      return names(node);
    case "flags":
      return record(Object.fromEntries(node.names.map((name) => [name, boolean()])), PLAIN);
    case "bytes": {
      const { min, max } = bounds(node.length, room);
      return stretchableBytes(min, max, bounds(node.length, context.reach).max);
    }
    case "text":
      return texts(node, room, context.reach);
    case "cstring":
      return characters(node.charset, 0, room - 1, context.reach - 1).map((value) =>
        value.replaceAll("\0", "0"),
      );
    case "tag":
      return constant(node.value);
    case "array":
      return lists(node, node.length, context, room);
    case "until": {
      const { item, last } = node;
      // Leaves room for more than the last item; otherwise a filter would never pass.
      const most = Math.min(6, Math.floor(room / (item.least + 4)) - 1);
      if (most < 1) return constant([]);
      const share = Math.floor(room / (most + 1));
      const items = arbitraryOf(item, context, share).filter(
        sometimes("until", context, (value) => value !== last),
      );
      return array(items, { maxLength: most });
    }
    case "prefixed": {
      const { prefix, inner } = node;
      const most = (size: number): number => Math.min(size - prefix.least, largest(prefix));
      return arbitraryOf(inner, { ...context, reach: most(context.reach) }, most(room));
    }
    case "optional": {
      const { inner } = node;
      if (room < inner.least) return constant(undefined);
      const given = arbitraryOf(inner, context, room);
      // Without a `present`, a value of zero bytes is refused.
      const written = inner.least > 0 ? given : given.filter((value) => isWritable(field, value));
      return option(written, { nil: undefined });
    }
    case "default":
      return arbitraryOf(node.inner, context, room);
    case "checked":
      return arbitraryOf(node.inner, context, room).filter(
        sometimes("checked", context, (value) => node.fault(value) === undefined),
      );
    case "mapped":
      return mappedValues(node, context, room);
    case "envelope": {
      const { inner, name } = node;
      return arbitraryOf(inner, context, room).map((value) => (value as Members)[name]);
    }
    case "lazy": {
      const deeper = { ...context, depth: context.depth + 1 };
      return constant(undefined).chain(() => arbitraryOf(node.get(), deeper, Math.floor(room / 2)));
    }
    case "union":
      return fitting(
        node.cases.map(({ name, body }) => [body.least, named(node.tag, name, body)] as const),
        room - node.base.least,
      );
    case "struct":
      return structs(field, node, context, room);
    case "codec":
      if (isPlainJson(node.codec)) return jsonValues().map(upTo(room));
      throw new TypeError(`the values of "${node.name}" cannot be derived: ${advice(context)}`);
    default:
      throw new TypeError(`the values of "${node.kind}" cannot be derived: ${advice(context)}`);
  }

  function named(tag: string, name: string, body: AnyField): (room: number) => Values {
    return (left) =>
      arbitraryOf(body, context, left).map((value) => ({ ...(value as Members), [tag]: name }));
  }
}

/** Advice for values that cannot be derived. */
const advice = ({ call }: Context): string =>
  `pass an arbitrary for the field, ${call.replace("*", "{ of: new Map([[field, arbitrary]]) }")}`;

/** True for `json()`. With `parse` or a schema, its values may be of another shape. */
const isPlainJson = ({ format, decodeText }: Codec<never, unknown>): boolean =>
  format !== undefined && format === PLAIN_JSON.format && decodeText !== undefined;

const PLAIN_JSON = json();

/** Replaces JSON values that are too long. */
function upTo(room: number): (value: unknown) => unknown {
  return (value) => {
    const out = new Output();
    PLAIN_JSON.encode(value, out);
    return out.length <= room ? value : 0;
  };
}

/** One of those that fit into `room`; otherwise the smallest. */
function fitting(
  cases: readonly (readonly [least: number, make: (room: number) => Values])[],
  room: number,
): Values {
  const smallest = Math.min(...cases.map(([least]) => least));
  const fit = cases.filter(([least]) => least <= Math.max(room, smallest));
  return oneof(...fit.map(([, make]) => make(room)));
}

function bigIntegers({ signed }: NodeOf<"int">): Values {
  const min = signed ? -(1n << 63n) : 0n;
  const max = signed ? (1n << 63n) - 1n : (1n << 64n) - 1n;
  return oneof(bigInt({ min, max }), constantFrom(0n, 1n, 1n << 53n, min, max));
}

function names({ names: codes, open, base }: NodeOf<"enum">): Values {
  const known = constantFrom(...Object.keys(codes));
  if (!open) return known;
  const taken = new Set(Object.values(codes));
  return oneof(
    known,
    integers(0, largest(base)).filter((code) => !taken.has(code)),
  );
}

/** Lengths that a length field allows, within `room` bytes. */
function bounds(length: number | AnyField | undefined, room: number): { min: number; max: number } {
  if (typeof length === "number") return { min: length, max: length };
  const left = length === undefined ? room : Math.min(room - length.least, largest(length));
  return { min: 0, max: Math.max(0, left) };
}

function characters(charset: string, min: number, max: number, reach = 0): Arbitrary<string> {
  if (charset === "utf8") return stretchableText(Math.max(0, Math.floor(max / 4)), reach);
  const most = charset === "ascii" ? 0x7f : 0xff;
  const one = integers(0, most).map((code) => String.fromCharCode(code));
  return lengths({ min, max: Math.max(min, max) }).chain((length) =>
    string({ unit: one, minLength: length, maxLength: length }),
  );
}

function texts({ charset, length, pad }: NodeOf<"text">, room: number, reach: number): Values {
  const { min, max } = bounds(length, room);
  if (pad !== undefined) {
    return characters("ascii", 0, max)
      .map((value) => value.slice(0, max))
      .filter((value) => value.charCodeAt(value.length - 1) !== pad);
  }
  // With characters of several bytes, no exact length in bytes is possible.
  if (charset === "utf8" && min > 0) return characters("ascii", min, max);
  return characters(charset, min, max, bounds(length, reach).max);
}

/** Long lists are made only of small items. */
const MOST_ITEMS = 40;

function lists(
  { item }: NodeOf<"array">,
  length: number | AnyField | undefined,
  context: Context,
  room: number,
  limit: number = Number.POSITIVE_INFINITY,
): Values {
  if (typeof length === "number") {
    const share = Math.floor(room / Math.max(1, length));
    return array(arbitraryOf(item, context, share), { minLength: length, maxLength: length });
  }
  const left = length === undefined ? room : room - length.least;
  const fit = item.fixed >= 0 ? item.fixed : Math.max(item.least, 8);
  const prefix = length === undefined ? limit : largest(length);
  const most = Math.max(0, Math.min(Math.floor(left / fit), MOST_ITEMS, prefix));
  if (most === 0) return constant([]);
  return array(arbitraryOf(item, context, Math.floor(left / most)), { maxLength: most });
}

function mappedValues(
  { inner, read, write }: NodeOf<"mapped">,
  context: Context,
  room: number,
): Values {
  const convert = (raw: unknown): { readonly value: unknown } | undefined => {
    try {
      const value = read(raw as never);
      write(value as never);
      return { value };
    } catch {
      return undefined;
    }
  };
  return arbitraryOf(inner, context, room)
    .map(convert)
    .filter(sometimes("mapped", context, (made) => made !== undefined))
    .map((made) => made?.value);
}

const MOST_TRIES = 2000;

/** A condition that must hold now and then: otherwise the search would never end. */
function sometimes<T>(
  what: string,
  context: Context,
  holds: (value: T) => boolean,
): (value: T) => boolean {
  let tries = 0;
  return (value) => {
    if (holds(value)) {
      tries = 0;
      return true;
    }
    if (++tries < MOST_TRIES) return false;
    throw new TypeError(`no valid value of a "${what}" was found: ${advice(context)}`);
  };
}

function isWritable(field: AnyField, value: unknown): boolean {
  try {
    (field as Erased).write(value, new Output());
    return true;
  } catch {
    return false;
  }
}

/** Maximum number of bytes for each step. */
function sharesOf(
  steps: readonly Step[],
  ranges: readonly Range[],
  room: number,
): readonly number[] {
  const share = (from: number, to: number, limit: number): number => {
    const inside = steps.slice(from, to + 1);
    const flexible = inside.filter(({ fixed }) => fixed < 0).length;
    const left = limit - inside.reduce((sum, { least }) => sum + least, 0);
    return Math.max(0, Math.floor(left / Math.max(1, flexible)));
  };
  return steps.map(({ least }, i) => {
    const limits = [share(0, steps.length - 1, room)];
    for (const { node, from, to, origin } of ranges) {
      if (i < from || i > to) continue;
      const most = largest(node.base) * node.unit - node.add;
      limits.push(share(origin === "whole" ? 0 : from, to, most));
    }
    return least + Math.min(...limits);
  });
}

/** The size to which each step alone may be stretched. */
function reachesOf(
  steps: readonly Step[],
  ranges: readonly Range[],
  shares: readonly number[],
  reach: number,
): readonly number[] {
  const sizes = steps.map(({ fixed }, i) => (fixed < 0 ? shares[i]! : fixed));
  return steps.map((_, i) => {
    const beside = (from: number, to: number): number =>
      sizes.reduce((sum, size, j) => (j < from || j > to || j === i ? sum : sum + size), 0);
    const limits = [reach - beside(0, steps.length - 1)];
    for (const { node, from, to, origin } of ranges) {
      if (i < from || i > to) continue;
      const most = largest(node.base) * node.unit - node.add;
      limits.push(most - beside(origin === "whole" ? 0 : from, to));
    }
    return Math.max(0, Math.min(...limits));
  });
}

interface Member {
  readonly name: string;
  readonly field: AnyField;
  readonly step: Step;
  readonly room: number;
  readonly context: Context;
}

function structs(
  field: AnyField,
  { plan }: NodeOf<"struct">,
  context: Context,
  room: number,
): Values {
  const { steps, ranges } = plan;
  const shares = sharesOf(steps, ranges, room);
  const reaches = reachesOf(steps, ranges, shares, context.reach);
  const members = steps.flatMap((step, i): Member[] => {
    const own: readonly (Step | BitMember)[] = step.kind === "bits" ? step.members : [step];
    return own
      .filter(({ field: { hidden } }) => hidden !== true)
      .map(({ name, field: one }) => ({
        name,
        field: one,
        step,
        room: shares[i]!,
        context: { ...context, reach: reaches[i]! },
      }));
  });
  const isShown = ({ field: { node } }: Member): boolean => DESCRIBERS.has(node.kind);
  const shown = members.filter(isShown);
  const given = members.filter((member) => !isShown(member));
  const memberOf = ({ field: one, step, room: left, context: own }: Member): Values => {
    if (step.kind === "items") return countedList(one, steps, step, own, left);
    if (step.kind === "maybe") {
      const { inner } = one.node as NodeOf<"optional">;
      return option(arbitraryOf(inner, own, left), { nil: undefined });
    }
    return arbitraryOf(one, own, left);
  };
  const make = (some: readonly Member[], more: Record<string, Values> = {}): Values =>
    record({ ...Object.fromEntries(some.map((one) => [one.name, memberOf(one)])), ...more }, PLAIN);
  const choice = given.find(({ field: { node } }) => node.kind === "match");
  let all = choice === undefined ? make(given) : matches(choice, given, make);

  const trailing = steps.filter(({ trails }) => trails).map(({ name }) => name);
  if (trailing.length > 1) all = all.map((value) => closeGaps(value as Members, trailing));
  // Numbers of units, and lengths with a negative `add`, are found by trial.
  const isPicky = ranges.some(({ node }) => node.unit > 1 || node.add < 0);
  if (isPicky) all = all.filter(sometimes("struct", context, (value) => isWritable(field, value)));
  if (shown.length === 0) return all;
  return all.map((value) => ({
    ...(value as Members),
    ...numbersOf(field, value as Members, shown),
  }));
}

/** Fields that the library writes itself. @internal */
export const DESCRIBERS: ReadonlySet<FieldNode["kind"]> = new Set([
  "size",
  "count",
  "present",
  "checksum",
]);

/** A list with its number of items in another field. */
function countedList(
  list: AnyField,
  steps: readonly Step[],
  { by, name }: Step,
  context: Context,
  room: number,
): Values {
  const own = context.of.get(list);
  if (own !== undefined) return own;
  const { node } = list;
  if (node.kind === "default")
    return countedList(node.inner, steps, { by, name } as Step, context, room);
  const counts = steps.flatMap((step) => [step, ...step.members]).find(({ slot }) => slot === by)!;
  const { base } = counts.field.node as NodeOf<"count">;
  return lists(node as NodeOf<"array">, undefined, context, room, largest(base));
}

/** A value for each case of a match, and for tags without a case. */
function matches(
  { name, field, room, context }: Member,
  members: readonly Member[],
  make: (some: readonly Member[], more: Record<string, Values>) => Values,
): Values {
  const { tag, cases, otherwise } = field.node as NodeOf<"match">;
  const others = members.filter((member) => member.name !== name);
  const tags = members.find((member) => member.name === tag);
  if (tags === undefined) throw new TypeError(`the tag "${tag}" is hidden`);
  const known = (value: unknown): boolean => Object.hasOwn(cases, String(value));
  const withTag =
    (of: Values, body: AnyField) =>
    (left: number): Values =>
      make(
        others.filter((member) => member !== tags),
        { [tag]: of, [name]: arbitraryOf(body, context, left) },
      );
  const all = Object.entries(cases).map(
    ([key, body]) => [body.least, withTag(constant(tagValue(tags.field, key)), body)] as const,
  );
  if (otherwise !== undefined && hasOthers(tags.field, cases)) {
    const rest = arbitraryOf(tags.field, context, tags.room).filter((value) => !known(value));
    all.push([otherwise.least, withTag(rest, otherwise)]);
  }
  return fitting(all, room);
}

/** The value that the name of a case refers to. @internal */
export function tagValue(field: AnyField, key: string): unknown {
  const { node } = field;
  switch (node.kind) {
    case "default":
    case "checked":
      return tagValue(node.inner, key);
    case "int":
      return node.big ? BigInt(key) : Number(key);
    case "enum":
      return Object.hasOwn(node.names, key) ? key : Number(key);
    case "flag":
      return key === "true";
    case "bits":
    case "varint":
      return Number(key);
    default:
      return key;
  }
}

/** True if there are values without a case. A filter that never passes would never end. @internal */
export function hasOthers({ node }: AnyField, cases: Readonly<Record<string, AnyField>>): boolean {
  switch (node.kind) {
    case "default":
    case "checked":
      return hasOthers(node.inner, cases);
    case "enum":
      return node.open || Object.keys(node.names).some((name) => !Object.hasOwn(cases, name));
    case "flag":
      return Object.keys(cases).length < 2;
    case "bits":
      return Object.keys(cases).length < 2 ** node.bits;
    default:
      return true;
  }
}

/** If an optional member is missing, all later ones are too. */
function closeGaps(value: Members, names: readonly string[]): object {
  const closed: Record<string, unknown> = { ...value };
  let isMissing = false;
  for (const name of names) {
    if (isMissing) closed[name] = undefined;
    isMissing ||= closed[name] === undefined;
  }
  return closed;
}

/** The values of numbers that the library writes, as receivers see them. */
function numbersOf(
  field: AnyField,
  value: Members,
  shown: readonly { readonly name: string }[],
): Readonly<Record<string, unknown>> {
  const out = new Output();
  (field as Erased).write(value, out);
  const frame = out.take();
  const read = field.decode(frame, 0, frame.length) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(shown.map(({ name }) => [name, read[name]]));
}
