import {
  type AnyField,
  type BitMember,
  type FieldNode,
  type NodeOf,
  type Range,
  type Step,
  withHex,
} from "../../fields/index.ts";
import { describerNote } from "../describer-note.ts";
import { bare, isCompound, nameOf, rawValue, tableOf } from "./expressions.ts";
import type { FieldCode, Place } from "./field-code.ts";
import { quoted } from "./quoted.ts";

/** Writes a struct as a separate reader, and returns its call. */
export function structCode(
  code: FieldCode,
  { plan }: NodeOf<"struct">,
  place: Place,
  lines: string[],
): void {
  const reader = code.reader((body) =>
    new StructCode(code, plan.steps, plan.ranges, place, body).write(),
  );
  lines.push(`at, v = ${reader}(buf, at, stop, tree)`);
}

class StructCode {
  readonly #code: FieldCode;
  readonly #steps: readonly Step[];
  readonly #place: Place;
  readonly #lines: string[];
  /** The size of the whole frame, if this struct is a frame with a size. */
  readonly #total: Range | undefined;
  /** The step after which the size of the frame is trusted. */
  readonly #believed: number;

  constructor(
    code: FieldCode,
    steps: readonly Step[],
    ranges: readonly Range[],
    place: Place,
    lines: string[],
  ) {
    this.#code = code;
    this.#steps = steps;
    this.#place = place;
    this.#lines = lines;
    const { frame } = place;
    this.#total = frame === undefined ? undefined : totalOf(ranges);
    const upTo = frame?.upTo;
    const named = ({ name, members }: Step): boolean =>
      name === upTo || members.some((member) => member.name === upTo);
    const last = upTo === undefined ? -1 : steps.findIndex(named);
    this.#believed = Math.max(this.#total?.step ?? -1, last);
  }

  write(): void {
    this.#add("local base, seen, stops = at, {}, {}");
    this.#steps.forEach((step, i) => {
      this.#add(`names[#names + 1] = ${quoted(step.name)}`);
      for (const range of step.opens) this.#open(range, "at", step.name);
      if (step.trailing > 0) {
        this.#add(`do local outer = stop; stop = math.max(at, stop - ${step.trailing})`);
      }
      if (step.kind === "bits") this.#bits(step);
      else this.#step(step);
      if (step.trailing > 0) this.#add("stop = outer end");
      if (step.slot >= 0) this.#add(`seen[${step.slot}] = v`);
      for (const range of step.starts) {
        if (range !== this.#total || i >= this.#believed) this.#start(range, i);
      }
      // Evaluated later than its position: by now, everything that must be valid first has been read.
      if (i === this.#believed && this.#total !== undefined && i > this.#total.step) {
        this.#start(this.#total, i);
      }
      for (const range of step.closes) {
        this.#name(range.by);
        this.#add(
          "used(at, stop); stop, hard = stops[#stops][1], stops[#stops][2]; stops[#stops] = nil",
        );
      }
      this.#add("names[#names] = nil");
    });
    this.#add("v = nil");
  }

  #add(...lines: string[]): void {
    this.#lines.push(...lines);
  }

  /** Sets the last name of the path. */
  #name(name: string): void {
    this.#add(`names[#names] = ${quoted(name)}`);
  }

  #open(range: Range, from: string, back: string): void {
    const { node, slot, origin, by } = range;
    const { unit, add } = node;
    const bytes = `num(seen[${slot}])${unit === 1 ? "" : ` * ${unit}`}${add === 0 ? "" : ` - ${add}`}`;
    const what = origin === "fields" ? ` for ${JSON.stringify(node.from)}` : "";
    this.#name(by);
    this.#add(
      "stops[#stops + 1] = { stop, hard }",
      `stop = window(${from}, at, ${bytes}, stop, ${quoted(what)}); hard = true`,
    );
    this.#name(back);
  }

  #start(range: Range, i: number): void {
    const { origin, by, slot, node } = range;
    const isTotal = range === this.#total;
    const base = origin === "whole" ? "base" : `base_${slot}`;
    if (isTotal) {
      const least = this.#steps.slice(i + 1).reduce((sum, step) => sum + step.least, 0);
      const bytes = `num(seen[${slot}]) * ${node.unit} - ${node.add}`;
      this.#name(by);
      this.#add(
        `if ${base} + ${bytes} < at + ${least} then fail("a size of " .. (${bytes}) .. ", but at least " .. (at + ${least} - ${base}) .. " are needed") end`,
      );
    }
    this.#open(range, base, by);
    if (isTotal) this.#add("whole(stop)");
  }

  /** Remembers the start of the bytes that a size of the rest counts. */
  #rests(step: Step): void {
    for (const { origin, slot } of step.starts) {
      if (origin === "rest") this.#add(`local base_${slot} = at`);
    }
  }

  #step(step: Step): void {
    const { name, field, kind, by } = step;
    const { path } = this.#place;
    const note = noteOf(field.node);
    const place: Place = {
      path: path === "" ? name : `${path}.${name}`,
      label: name,
      ...(note !== undefined && { note }),
    };
    switch (kind) {
      case "maybe": {
        const { inner } = field.node as NodeOf<"optional">;
        this.#add("v = nil", `if num(seen[${by}]) ~= 0 then`);
        this.#member(inner, place);
        this.#add("end");
        break;
      }
      case "items":
        this.#member(field, { ...place, count: `num(seen[${by}])` });
        break;
      case "match":
        this.#match(field.node as NodeOf<"match">, by, place);
        break;
      case "align": {
        const { to, strict } = field.node as NodeOf<"align">;
        const shown = this.#code.fields.add(place.path, name, "bytes");
        this.#add(
          `do local n = (${to} - (at - base) % ${to}) % ${to}; need(at, n, stop, "padding")`,
          ...(strict ? ["zeros(buf, at, n)"] : []),
          `add(tree, ${shown}, buf(at, n), nil, "padding"); at = at + n end`,
        );
        break;
      }
      default:
        this.#member(field, place);
    }
    this.#rests(step);
  }

  /** A member, in its own tree if it has parts. */
  #member(field: AnyField, place: Place): void {
    if (field.node.kind === "optional") {
      this.#add("v = nil; if at < stop then");
      this.#member(field.node.inner, place);
      this.#add("end");
      return;
    }
    if (!isCompound(field)) {
      this.#code.field(field, place, this.#lines);
      return;
    }
    const own = this.#code.fields.add(place.path, place.label, "none");
    this.#add(
      `do local outer, from = tree, at; local tree = outer and outer:add(${own}, buf(at, 0))`,
    );
    this.#code.field(field, place, this.#lines);
    this.#add("if tree then tree:set_len(at - from) end end");
  }

  #match({ tag, cases, otherwise }: NodeOf<"match">, by: number, place: Place): void {
    const named = this.#tag(tag);
    const entries = Object.entries(cases);
    const tagOf = `seen[${by}]`;
    entries.forEach(([key, field], i) => {
      const raw = rawValue(named, key);
      if (raw === undefined) {
        throw new TypeError(
          `dissector: ${nameOf(place)}: values of its tag "${tag}" cannot be expressed in Lua`,
        );
      }
      this.#add(`${i > 0 ? "elseif" : "if"} ${tagOf} == ${raw} then`);
      this.#member(field, { ...place, path: `${place.path}.${key}` });
    });
    if (entries.length > 0) this.#add("else");
    if (otherwise !== undefined) this.#member(otherwise, place);
    else this.#noCase(tag, named, tagOf);
    if (entries.length > 0) this.#add("end");
  }

  #noCase(tag: string, named: AnyField, tagOf: string): void {
    const { node } = bare(named);
    const before = `no case for ${JSON.stringify(tag)} `;
    if (node.kind === "enum") {
      const known = this.#code.id("N.n");
      this.#code.readers.unshift(`${known} = ${tableOf(node.names)}`);
      const name = `(${known}[${tagOf}] and '"' .. ${known}[${tagOf}] .. '"' or ${tagOf})`;
      this.#add(`fail(${quoted(before)} .. ${name})`);
    } else if (node.kind === "text" || node.kind === "cstring") {
      this.#add(`fail(${quoted(before)} .. '"' .. ${tagOf}:sub(1, 40) .. '"')`);
    } else this.#add(`fail(${quoted(before)} .. tostring(${tagOf}))`);
  }

  #tag(name: string): AnyField {
    for (const step of this.#steps) {
      if (step.name === name && step.kind !== "bits") return step.field;
      const member = step.members.find((one) => one.name === name);
      if (member !== undefined) return member.field;
    }
    // A struct refuses unknown tags, so this is unreachable.
    throw new TypeError(`dissector: no field is called ${JSON.stringify(name)}`);
  }

  /** Members that share bytes. */
  #bits(step: Step): void {
    const { fixed, members, endian } = step;
    const read = endian === "le" ? "le_uint" : "uint";
    const [first] = members;
    this.#name(first!.name);
    this.#add(
      `need(at, ${fixed}, stop, "group of bits")`,
      `do local n = buf(at, ${fixed}):${read}()`,
    );
    for (const member of members) {
      this.#name(member.name);
      this.#bit(member, step);
    }
    this.#add(`at = at + ${fixed} end`);
    this.#rests(step);
  }

  #bit(member: BitMember, { fixed, endian }: Step): void {
    const { name, field, shift, mask, slot } = member;
    const { path } = this.#place;
    const full = path === "" ? name : `${path}.${name}`;
    const { node } = bare(field);
    const values = node.kind === "enum" ? tableOf(node.names) : "nil";
    const fields = this.#code.fields;
    const at = (count: number, from: number): string => `0x${(count * 2 ** from).toString(16)}`;
    this.#add(`v = math.floor(n / ${2 ** shift}) % ${mask + 1}`);
    this.#check(node);
    const note = noteOf(field.node) ?? noteOf(node);
    const width = 8 * fixed;
    const add = (shown: string): void => {
      const text = note === undefined ? "" : quoted(note);
      const range = `buf(at, ${fixed})`;
      if (endian === "le") this.#add(`add_le(tree, ${shown}, ${range}${text && `, ${text}`})`);
      else this.#add(`add(tree, ${shown}, ${range}${text && `, nil, ${text}`})`);
    };
    if (node.kind === "flags") {
      node.names.forEach((one, i) => {
        const more = `, ${width}, nil, ${at(1, shift + i)}`;
        add(fields.add(`${full}.${one}`, one, "bool", more));
      });
    } else if (node.kind === "flag") {
      add(fields.add(full, name, "bool", `, ${width}, nil, ${at(1, shift)}`));
    } else {
      add(fields.add(full, name, `uint${width}`, `, base.DEC, ${values}, ${at(mask, shift)}`));
    }
    if (slot >= 0) this.#add(`seen[${slot}] = v`);
  }

  /** Checks the value of a number of some bits. */
  #check(node: FieldNode): void {
    if (node.kind === "constant") {
      this.#add(
        `if v ~= ${node.value} then fail("expected ${withHex(node.value)}, found " .. with_hex(v)) end`,
      );
    } else if (node.kind === "enum" && !node.open) {
      const known = this.#code.id("N.n");
      this.#code.readers.unshift(`${known} = ${tableOf(node.names)}`);
      const codes = Object.values(node.names).join(", ");
      this.#add(`if not ${known}[v] then fail(v .. " is not one of ${codes}") end`);
    } else if (node.kind === "flags") {
      this.#add(`if v >= ${2 ** node.names.length} then fail(v .. " has bits without a name") end`);
    }
  }
}

/** The size that determines the end of the struct. */
const totalOf = (ranges: readonly Range[]): Range | undefined =>
  ranges.find(
    ({ origin, step }) =>
      origin !== "fields" &&
      !ranges.some((other) => other.origin === "fields" && other.from <= step && step <= other.to),
  );

const noteOf = (node: FieldNode): string | undefined =>
  node.kind === "checksum" ? `${node.name}, not checked` : describerNote(node);
