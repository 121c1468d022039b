import type { AnyField, BitMember, NodeOf, Range, Step } from "../../fields/index.ts";
import { describerNote } from "../describer-note.ts";
import { snake } from "./names.ts";

/** One attribute of a type. */
export type Attribute = Record<string, unknown>;

interface KsyType {
  seq: readonly Attribute[];
  instances?: unknown;
}

/** Expressions that the context of a field supplies. */
interface Around {
  /** The expression for its size in bytes. */
  readonly size?: string | undefined;
  /** The expression for its number of items. */
  readonly count?: string | undefined;
  /** The expression for its presence. */
  readonly condition?: string | undefined;
  /** Number of bytes after it that it must leave unread. */
  readonly trailing?: number | undefined;
}

/** Writes Kaitai types from descriptions. */
export class KsyWriter {
  readonly types: Map<string, KsyType> = new Map();
  readonly enums: Map<string, Readonly<Record<string, string>>> = new Map();
  readonly #known = new Map<AnyField, string>();

  /** The attributes of a field that has its own type. */
  members(field: AnyField, name: string): Attribute[] {
    const { node } = field;
    switch (node.kind) {
      case "struct":
        return this.#struct(node, name);
      case "envelope":
      case "default":
      case "checked":
      case "mapped":
        return this.members(node.inner, name);
      case "lazy":
        return [{ id: "value", type: this.#typeOf(node.get(), name) }];
      case "union":
        return this.#union(node, name);
      default:
        return this.#attributes("value", field, {}, name);
    }
  }

  /** The name of a field's type. */
  #typeOf(field: AnyField, name: string): string {
    const known = this.#known.get(field);
    if (known !== undefined) return known;
    const type = this.#newType(name);
    this.#known.set(field, type);
    this.types.get(type)!.seq = this.members(field, name);
    return type;
  }

  #newType(name: string): string {
    const wanted = `${snake(name)}_type`;
    let type = wanted;
    for (let n = 2; this.types.has(type); n++) type = `${wanted}_${n}`;
    this.types.set(type, { seq: [] });
    return type;
  }

  /** The attributes for reading a number. */
  #number(field: AnyField, path: string): Attribute {
    const { node } = field;
    switch (node.kind) {
      case "int": {
        const { width, signed, endian } = node;
        if ([1, 2, 4, 8].includes(width)) {
          const suffix = width === 1 ? "" : endian;
          return { type: `${signed ? "s" : "u"}${width}${suffix}` };
        }
        if (width > 4) throw cannot(path, `an integer of ${8 * width} bits`);
        if (signed || endian === "le") {
          throw cannot(path, `an integer of ${8 * width} bits that is signed or little-endian`);
        }
        return { type: `b${8 * width}` };
      }
      case "bits":
        return { type: `b${node.bits}` };
      case "flag":
        return { type: "b1" };
      case "varint":
        return { type: this.#varint(node.most) };
      case "default":
      case "checked":
      case "mapped":
        return this.#number(node.inner, path);
      case "constant":
      case "enum":
      case "flags":
      case "size":
      case "count":
      case "present":
      case "checksum":
        return this.#number(node.base, path);
      default:
        throw cannot(path, `"${node.kind}" as a number`);
    }
  }

  #varint(most: number): string {
    const type = `varint_${most}`;
    const parts = Array.from(
      { length: most },
      (_, i) => `(groups.size > ${i} ? (groups[${i}] & 0x7f) * ${2 ** (7 * i)} : 0)`,
    );
    this.types.set(type, {
      seq: [{ id: "groups", type: "u1", repeat: "until", "repeat-until": "(_ & 0x80) == 0" }],
      instances: { value: { value: parts.join(" + ") } },
    });
    return type;
  }

  #enumOf(name: string, { names }: NodeOf<"enum">): string {
    const wanted = snake(name);
    const values = Object.fromEntries(
      Object.entries(names).map(([key, code]) => [String(code), snake(key)]),
    );
    let found = wanted;
    for (let n = 2; ; n++) {
      const known = this.enums.get(found);
      if (known === undefined || JSON.stringify(known) === JSON.stringify(values)) break;
      found = `${wanted}_${n}`;
    }
    this.enums.set(found, values);
    return found;
  }

  /** A field as one attribute, or as two if it has a length prefix. */
  #attributes(name: string, field: AnyField, around: Around, path: string): Attribute[] {
    const id = snake(name);
    const { node } = field;
    const common = around.condition === undefined ? {} : { if: around.condition };
    const rest = this.#end(around);
    const run = (length: number | AnyField | undefined, more: Attribute): Attribute[] => {
      if (length === undefined) return [{ id, ...more, ...rest, ...common }];
      if (typeof length === "number") return [{ id, ...more, size: length, ...common }];
      const before = `len_${id}`;
      return [
        { id: before, ...this.#number(length, path), ...common },
        { id, ...more, size: reference(before, length), ...common },
      ];
    };
    switch (node.kind) {
      case "int":
      case "varint":
        return [{ id, ...this.#number(field, path), ...common }];
      case "float": {
        const endian = node.type.endsWith("le") ? "le" : "be";
        return [{ id, type: `f${node.width}${endian}`, ...common }];
      }
      case "constant":
        return [
          {
            id,
            ...this.#number(node.base, path),
            ...(node.base.node.kind !== "varint" && { valid: validOf(node) }),
            ...common,
          },
        ];
      case "size":
      case "count":
      case "present":
        return [{ id, ...this.#number(node.base, path), doc: describerNote(node), ...common }];
      case "checksum":
        return [{ id, ...this.#number(node.base, path), doc: `${node.name}, not checked` }];
      case "magic":
        return [{ id, contents: [...node.bytes], ...common }];
      case "enum":
        if (node.base.node.kind === "varint")
          return this.#attributes(name, node.base, around, path);
        return [
          { id, ...this.#number(node.base, path), enum: this.#enumOf(name, node), ...common },
        ];
      case "flags":
        return this.#flags(id, node, common, path);
      case "pad":
        return node.width === 0 ? [] : [{ id, size: node.width, ...common }];
      case "tag":
        return [];
      case "ignored":
      case "codec":
        return [{ id, ...rest, ...common }];
      case "bytes":
        return run(node.length, {});
      case "text":
        return run(node.length, {
          type: "str",
          encoding: ENCODINGS[node.charset],
          ...(node.pad !== undefined && { "pad-right": node.pad }),
        });
      case "cstring":
        return [{ id, type: "strz", encoding: ENCODINGS[node.charset], ...common }];
      case "prefixed": {
        const before = `len_${id}`;
        return [
          { id: before, ...this.#number(node.prefix, path), ...common },
          {
            id,
            type: this.#typeOf(node.inner, name),
            size: reference(before, node.prefix),
            ...common,
          },
        ];
      }
      case "default":
      case "checked":
      case "mapped":
        return this.#attributes(name, node.inner, around, path);
      case "optional":
        return this.#attributes(
          name,
          node.inner,
          {
            ...around,
            condition: around.condition ?? isMore(around.trailing),
            // Only a field that takes its whole window must leave room.
            trailing: node.inner.open ? around.trailing : undefined,
          },
          path,
        );
      case "array":
        return this.#array(name, node, around, path);
      case "until":
        return this.#until(name, node, common, path);
      case "align":
        throw cannot(path, "align");
      default: {
        const isSized = around.size !== undefined || around.trailing !== undefined;
        return [{ id, type: this.#typeOf(field, name), ...(isSized && rest), ...common }];
      }
    }
  }

  /** The end of a field that takes its whole window. */
  #end({ size, trailing }: Around): Attribute {
    if (size !== undefined) return { size };
    if (trailing !== undefined) return { size: `_io.size - _io.pos - ${trailing}` };
    return { "size-eos": true };
  }

  #flags(
    id: string,
    { base, names }: NodeOf<"flags">,
    common: Attribute,
    path: string,
  ): Attribute[] {
    const width = base.bits > 0 ? base.bits : 8 * base.fixed;
    if (base.node.kind === "int" && base.node.endian === "le" && width > 8) {
      throw cannot(path, "flags in a little-endian number");
    }
    if (width < 0) throw cannot(path, "flags in a varint");
    const unused = width - names.length;
    return [
      ...(unused > 0 ? [{ id: `${id}_unused`, type: `b${unused}`, ...common }] : []),
      ...[...names].reverse().map((one) => ({ id: `${id}_${snake(one)}`, type: "b1", ...common })),
    ];
  }

  #array(
    name: string,
    node: NodeOf<"array">,
    { size, count, condition, trailing }: Around,
    path: string,
  ): Attribute[] {
    const { item, length } = node;
    const id = snake(name);
    const common = condition === undefined ? {} : { if: condition };
    const kind = plainKind(item);
    const [plain] = kind === undefined ? [] : this.#attributes("item", item, {}, path);
    const { id: _, ...own } = plain ?? { id: "", type: this.#typeOf(item, `${name}_item`) };
    if (size !== undefined || trailing !== undefined) {
      // The items have their own window.
      const type = this.#newType(`${name}_list`);
      this.types.get(type)!.seq =
        count === undefined
          ? this.#array("items", node, {}, path)
          : [{ id: "items", ...own, repeat: "expr", "repeat-expr": `_parent.${count}` }];
      return [{ id, type, ...this.#end({ size, trailing }), ...common }];
    }
    if (count !== undefined)
      return [{ id, ...own, repeat: "expr", "repeat-expr": count, ...common }];
    if (typeof length === "number") {
      return [{ id, ...own, repeat: "expr", "repeat-expr": length, ...common }];
    }
    if (typeof length === "object") {
      const before = `num_${id}`;
      return [
        { id: before, ...this.#number(length, path), ...common },
        { id, ...own, repeat: "expr", "repeat-expr": reference(before, length), ...common },
      ];
    }
    return [{ id, ...own, repeat: "eos", ...common }];
  }

  #until(
    name: string,
    { item, last }: NodeOf<"until">,
    common: Attribute,
    path: string,
  ): Attribute[] {
    const { node } = item.node.kind === "checked" ? item.node.inner : item;
    if (last !== "" || node.kind !== "text" || typeof node.length !== "object") {
      throw cannot(path, "a list that ends in anything but an empty text");
    }
    const type = this.#typeOf(item, `${name}_item`);
    return [
      { id: snake(name), type, repeat: "until", "repeat-until": "_.value.length == 0", ...common },
    ];
  }

  #union({ tag, base, cases }: NodeOf<"union">, name: string): Attribute[] {
    const { node } = base;
    if (node.kind !== "enum" || node.base.node.kind === "varint") {
      throw cannot(`${name}.${tag}`, "a union with a varint as its tag");
    }
    const enumName = this.#enumOf(tag, node);
    const types = cases.map(({ name: one, body }) => [
      `${enumName}::${snake(one)}`,
      this.#typeOf(body, `${name}_${one}`),
    ]);
    return [
      { id: snake(tag), ...this.#number(node.base, `${name}.${tag}`), enum: enumName },
      { id: "body", type: { "switch-on": snake(tag), cases: Object.fromEntries(types) } },
    ];
  }

  #struct({ plan }: NodeOf<"struct">, name: string): Attribute[] {
    return this.#steps(plan.steps, 0, name);
  }

  /** The steps from index `from` on. Earlier steps are in the enclosing type. */
  #steps(steps: readonly Step[], from: number, name: string): Attribute[] {
    const found: Attribute[] = [];
    for (let i = from; i < steps.length; i++) {
      const step = steps[i]!;
      const path = `${name}.${step.name}`;
      if (step.kind === "bits") found.push(...this.#bits(step, name));
      else found.push(...this.#step(steps, i, from, path));
      const opened = step.starts.find(({ origin }) => origin !== "fields");
      if (opened !== undefined && i + 1 < steps.length) {
        found.push(this.#rest(steps, i, opened, name));
        break;
      }
    }
    return found;
  }

  /** The fields that a size of the whole or of the rest counts: a type with its own window. */
  #rest(steps: readonly Step[], i: number, range: Range, name: string): Attribute {
    const step = steps[i]!;
    const type = this.#newType(`${name}_rest`);
    this.types.get(type)!.seq = this.#steps(steps, i + 1, name);
    let size = sizeOf(range, referenceTo(range.slot, steps, 0));
    if (range.origin === "whole") {
      const before = step.offset + step.fixed;
      if (step.offset < 0 || step.fixed < 0)
        throw cannot(`${name}.${range.by}`, "a size of the whole at no fixed place");
      size = `${size} - ${before}`;
    }
    return { id: "rest", type, size };
  }

  #step(steps: readonly Step[], i: number, from: number, path: string): Attribute[] {
    const { field, kind, name, opens, by, trailing } = steps[i]!;
    const [range, second] = opens;
    if (second !== undefined || (range !== undefined && range.from !== range.to)) {
      throw cannot(path, "a size of several fields");
    }
    const around: Around = {
      ...(range !== undefined && { size: sizeOf(range, referenceTo(range.slot, steps, from)) }),
      ...(trailing > 0 && { trailing }),
      ...(kind === "items" && { count: referenceTo(by, steps, from) }),
      ...(kind === "maybe" && { condition: presence(by, steps, from) }),
    };
    if (kind === "match") return this.#match(steps, i, from, around, path);
    const counted = kind === "maybe" ? (field.node as NodeOf<"optional">).inner : field;
    return this.#attributes(name, counted, around, path);
  }

  #match(
    steps: readonly Step[],
    i: number,
    from: number,
    around: Around,
    path: string,
  ): Attribute[] {
    const { field, name, by } = steps[i]!;
    const { cases, otherwise } = field.node as NodeOf<"match">;
    const tag = memberAt(by, steps).field;
    const { node } = bareTag(tag);
    const types = Object.entries(cases).map(([key, one]) => {
      const type = this.#typeOf(one, `${name}_${key}`);
      if (node.kind === "enum") {
        const enumName = this.#enumOf(memberAt(by, steps).name, node);
        if (!Object.hasOwn(node.names, key)) throw cannot(path, "a case without a name");
        return [`${enumName}::${snake(key)}`, type];
      }
      if (node.kind !== "int" && node.kind !== "bits") throw cannot(path, "a case of this tag");
      return [key, type];
    });
    if (otherwise !== undefined) types.push(["_", this.#typeOf(otherwise, `${name}_other`)]);
    const type = { "switch-on": referenceTo(by, steps, from), cases: Object.fromEntries(types) };
    const isSized = around.size !== undefined || around.trailing !== undefined;
    return [{ id: snake(name), type, ...(isSized && this.#end(around)) }];
  }

  #bits({ members, endian }: Step, name: string): Attribute[] {
    if (endian === "le") throw cannot(`${name}.${members[0]!.name}`, "bits from the low end on");
    return members.flatMap((member) => this.#bit(member, `${name}.${member.name}`));
  }

  #bit({ name, field }: BitMember, path: string): Attribute[] {
    const { node } = bareTag(field);
    const id = snake(name);
    if (node.kind === "flags") return this.#flags(id, node, {}, path);
    const number = this.#number(field, path);
    if (node.kind === "constant") return [{ id, ...number, valid: validOf(node) }];
    if (node.kind === "enum") {
      // One bit is a boolean, which cannot have an enum.
      return [{ id, ...number, ...(number.type !== "b1" && { enum: this.#enumOf(name, node) }) }];
    }
    return [{ id, ...number }];
  }
}

/** The expression that is true if bytes remain, except the trailing ones. */
const isMore = (trailing = 0): string =>
  trailing === 0 ? "not _io.eof" : `_io.size - _io.pos > ${trailing}`;

const ENCODINGS: Readonly<Record<string, string>> = {
  utf8: "UTF-8",
  ascii: "ASCII",
  latin1: "ISO-8859-1",
};

const cannot = (path: string, what: string): TypeError =>
  new TypeError(`ksy: ${JSON.stringify(path)}: Kaitai cannot express ${what}`);

/** The expected value of a constant; one bit is a boolean. */
const validOf = ({ base, value }: NodeOf<"constant">): unknown =>
  base.bits === 1 ? value === 1 : typeof value === "bigint" ? String(value) : value;

/** The number inside names, defaults and describers. */
function base(field: AnyField): AnyField {
  const { node } = field;
  switch (node.kind) {
    case "size":
    case "count":
    case "present":
    case "constant":
    case "enum":
      return base(node.base);
    case "default":
    case "checked":
    case "mapped":
      return base(node.inner);
    default:
      return field;
  }
}

/** The field inside its defaults and checks. */
function bareTag(field: AnyField): AnyField {
  const { node } = field;
  return node.kind === "default" || node.kind === "checked" || node.kind === "mapped"
    ? bareTag(node.inner)
    : field;
}

/** The expression for a number: a varint is a type with a value, one bit a boolean. */
function reference(id: string, field: AnyField): string {
  const { node, bits } = base(field);
  if (node.kind === "varint") return `${snake(id)}.value`;
  return bits === 1 ? `${snake(id)}.to_i` : snake(id);
}

interface Named {
  readonly name: string;
  readonly field: AnyField;
  readonly at: number;
}

function memberAt(slot: number, steps: readonly Step[]): Named {
  for (const [at, step] of steps.entries()) {
    const member = step.members.find((one) => one.slot === slot);
    if (member !== undefined) return { ...member, at };
    if (step.slot === slot && step.kind !== "bits") return { ...step, at };
  }
  // Every slot has a member, so this is unreachable.
  throw new TypeError("ksy: a number is missing");
}

/** The expression for a number, which may be in the enclosing type. */
function referenceTo(slot: number, steps: readonly Step[], from: number): string {
  const { name, field, at } = memberAt(slot, steps);
  return `${at < from ? "_parent." : ""}${reference(name, field)}`;
}

/** The expression for the presence of a field. */
const presence = (slot: number, steps: readonly Step[], from: number): string =>
  `${referenceTo(slot, steps, from)} != 0`;

function sizeOf({ node }: Range, number: string): string {
  const { unit, add } = node;
  return `${number}${unit === 1 ? "" : ` * ${unit}`}${add === 0 ? "" : ` - ${add}`}`;
}

/** The kind of items that need no separate type. */
function plainKind({ node }: AnyField): string | undefined {
  if (node.kind === "default" || node.kind === "checked" || node.kind === "mapped") {
    return plainKind(node.inner);
  }
  return ["int", "float", "enum"].includes(node.kind) ? node.kind : undefined;
}
