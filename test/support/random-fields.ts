import type { AnyField, Field } from "framewright/fields";
import * as f from "framewright/fields";
import { crc16 } from "./crc16.ts";

/*
 * Random descriptions, from a seed: every combinator, nested, in places where it may stand. Values come from
 * `valuesOf`, so a description is all that a test of the engines needs.
 */

type Any = Field<never, unknown>;
type Named = Record<string, Any>;

/** Numbers in [0, 1), the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const NUMBERS = [
  f.u8,
  f.i8,
  f.u16be,
  f.u16le,
  f.i16be,
  f.i16le,
  f.u24be,
  f.u24le,
  f.i24be,
  f.i24le,
  f.u32be,
  f.u32le,
  f.i32be,
  f.i32le,
  f.u48be,
  f.u48le,
  f.i48be,
  f.i48le,
];
const OTHERS: readonly Any[] = [
  f.u64be,
  f.u64le,
  f.i64be,
  f.i64le,
  f.f32be,
  f.f32le,
  f.f64be,
  f.f64le,
];
const LENGTHS = [
  f.u8,
  f.i8,
  f.u16be,
  f.u16le,
  f.i16be,
  f.u24be,
  f.u32le,
  f.u64be,
  f.varint(1),
  f.varint(2),
  f.varint(5),
  f.varint(3, { minimal: true }),
] as readonly f.AnyNumber[];
const CHARSETS = ["utf8", "ascii", "latin1"] as const;
const TEXTS = [f.utf8, f.ascii, f.latin1];

/** What a description may be at a place. */
interface Where {
  /** It may extend to the end of its window. */
  readonly open: boolean;
  /** It takes at least one byte. */
  readonly solid?: boolean;
}

export class RandomFields {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
  }

  /** A description that may stand alone, as a frame or a message. */
  any(depth = 3): Any {
    return this.#chance(0.8)
      ? this.#struct(depth, { open: true })
      : this.#field(depth, { open: true });
  }

  #chance(p: number): boolean {
    return this.#random() < p;
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!;
  }

  #length(): f.AnyNumber {
    return this.#pick(LENGTHS);
  }

  #number(): f.NumberField {
    return this.#chance(0.1)
      ? f.varint(1 + this.#below(8), { minimal: this.#chance(0.3) })
      : this.#pick(NUMBERS);
  }

  #field(depth: number, where: Where): Any {
    const made = this.#attempt(depth, where);
    return where.solid === true && made.least === 0 ? this.#number() : made;
  }

  #attempt(depth: number, where: Where): Any {
    const leaves: (() => Any)[] = [
      () => this.#number(),
      () => this.#pick(OTHERS),
      () => this.#named(this.#pick([f.u8, f.u16be])),
      () => f.flags(this.#pick([f.u8, f.u16le]), ["p", "q", "r"]),
      () => f.bytes(this.#chance(0.3) ? this.#below(5) : this.#length()),
      () => this.#text(),
      () => f.cstring(this.#pick(CHARSETS)),
      () => f.withDefault(this.#pick(NUMBERS), 5),
      () => f.checked(this.#number(), (n) => n % 7 !== 3, "not 3 modulo 7"),
      () => f.mapped(f.u16be, DOUBLED),
    ];
    if (where.open) {
      leaves.push(
        () => f.bytes(),
        () => this.#pick(TEXTS)(),
        () => f.array(this.#pick(NUMBERS)),
        () => f.withDefault(f.bytes(), new Uint8Array(0)),
        () => f.optional(this.#pick(NUMBERS)),
        () => f.mapped(f.utf8(), REVERSED),
      );
    }
    if (depth <= 0 || this.#chance(0.45)) return this.#pick(leaves)();
    const item = (): Any => this.#field(depth - 1, { open: false, solid: true });
    const forms: (() => Any)[] = [
      () => this.#struct(depth - 1, where),
      () => this.#struct(depth - 1, where),
      () => f.array(item(), this.#length()),
      () => f.array(this.#field(depth - 1, { open: false }), 1 + this.#below(3)),
      () => f.prefixed(this.#length(), this.#field(depth - 1, { open: true })),
      () => this.#union(depth - 1, where),
      () =>
        f.until(
          f.checked(f.ascii(f.u8), (text) => text.length < 9, "short"),
          "",
        ),
      () => f.until(this.#pick([f.u8, f.u16be]), 0),
      () => this.#envelope(depth - 1),
      () => this.#tree(depth - 1),
      () =>
        f.checked(
          this.#field(depth - 1, { open: false }) as unknown as Field<unknown>,
          () => true,
          "anything",
        ),
    ];
    if (where.open)
      forms.push(
        () => f.array(item()),
        () => f.optional(item()),
      );
    return this.#pick(forms)();
  }

  #named(base: f.NumberField): Any {
    return f.enumOf(base, { a: 1, b: 2, z: 3 }, { open: this.#chance(0.4) });
  }

  #text(): Any {
    const make = this.#pick(TEXTS);
    const kind = this.#random();
    if (kind < 0.2) return make(this.#below(5));
    if (kind < 0.4) return make(1 + this.#below(6), this.#pick([0, 32]));
    return make(this.#length());
  }

  #union(depth: number, where: Where): Any {
    const tag = f.enumOf(this.#pick([f.u8, f.varint(2)]), { one: 1, two: 2, three: 9 });
    return f.union("t", tag, {
      one: this.#fields(depth, where) as never,
      two: this.#chance(0.3) ? {} : (this.#fields(depth, where) as never),
      three: { x: f.u16be },
    }) as Any;
  }

  #envelope(depth: number): Any {
    const inner = this.#field(depth, { open: true });
    if (this.#chance(0.5))
      return f.envelope({ mark: f.magic("EN"), n: f.size(this.#length(), f.rest), inner } as never);
    return f.envelope({
      n: f.size(this.#length(), "inner"),
      inner,
      end: f.constant(f.u8, 7),
    } as never);
  }

  #tree(depth: number): Any {
    const label = this.#field(Math.min(depth, 1), { open: false });
    const length = this.#length();
    const tree: Any = f.struct({
      label,
      nodes: f.array(
        f.lazy((): Any => tree),
        length,
      ),
    } as never);
    return tree;
  }

  #struct(depth: number, where: Where): Any {
    const fields = this.#fields(depth, where);
    const made = f.struct(fields as never, { bits: this.#chance(0.3) ? "low" : "high" }) as never;
    return this.#chance(0.2) ? f.strict(made) : made;
  }

  #fields(depth: number, where: Where): Named {
    const fields: Named = {};
    const name = (): string => `f${Object.keys(fields).length}`;
    const add = (field: Any): string => {
      const called = name();
      fields[called] = field;
      return called;
    };
    const part = (open = false): Any => this.#field(depth - 1, { open });
    const sized = (target: string, base: f.AnyNumber): Any => {
      const options = {
        add: this.#chance(0.3) ? this.#below(5) : 0,
        unit: this.#chance(0.15) ? 2 : 1,
      };
      const made = f.size(base, target, options) as Any;
      return this.#chance(0.2) ? f.shown(made as never) : made;
    };
    let hasMatch = false;
    // Of two checksums that cover each other neither can be written.
    let hasSum = false;
    const groups: (() => void)[] = [
      () => add(part()),
      () => add(part()),
      () => add(this.#pick(NUMBERS)),
      () => add(f.constant(this.#pick([f.u8, f.u16be, f.i32le, f.varint(2)]), 7)),
      () => add(f.constant(f.u64le, 9)),
      () => add(f.magic("AB")),
      () => add(f.pad(this.#below(3), { strict: this.#chance(0.5) })),
      () => {
        // The target follows at once, or behind another field.
        const from = `f${Object.keys(fields).length + 1}`;
        const far = this.#chance(0.3);
        add(sized(far ? `f${Object.keys(fields).length + 2}` : from, this.#length()));
        if (far) add(part());
        add(part(true));
      },
      () => {
        const n = Object.keys(fields).length;
        add(f.size(this.#length(), `f${n + 1}`, `f${n + 2}`));
        add(part());
        add(part(true));
      },
      () => {
        const n = Object.keys(fields).length;
        add(f.count(this.#length(), `f${n + 1}`));
        add(f.array(this.#field(depth - 1, { open: false, solid: true })));
      },
      () => {
        const n = Object.keys(fields).length;
        const has = f.present(`f${n + 1}`, this.#pick([f.u8, f.u16le, f.varint(1)]));
        add(this.#chance(0.2) ? f.shown(has) : has);
        add(f.optional(part()));
      },
      () => this.#bits(fields, add, part),
      () => {
        if (hasMatch) return;
        hasMatch = true;
        const n = Object.keys(fields).length;
        const isOpen = this.#chance(0.5);
        if (this.#chance(0.7)) add(f.enumOf(f.u8, { x: 1, y: 2 }, { open: isOpen }));
        else add(f.withDefault(f.enumOf(f.u16be, { x: 1, y: 2 }), "x"));
        const isSized = this.#chance(0.6);
        if (isSized) add(f.size(this.#length(), `f${n + 2}`));
        const cases = { x: part(isSized), y: part(isSized) };
        add(f.match(`f${n}`, cases, this.#chance(0.5) ? part(isSized) : undefined));
      },
      () => {
        if (
          Object.values(fields).some(
            (field) => field.node.kind === "size" && field.node.base.fixed < 0,
          )
        )
          return;
        add(f.align(this.#pick([2, 4]), { strict: this.#chance(0.5) }));
      },
      () => {
        if (hasSum || Object.keys(fields).length === 0) return;
        add(f.checksum(this.#pick([f.u16be, f.u32le, f.u64be]), crc16));
      },
      () => {
        const n = Object.keys(fields).length;
        if (hasSum) return;
        hasSum = true;
        add(f.checksum(f.u16le, crc16, this.#pick([f.whole, f.rest, `f${n}`])) as Any);
      },
    ];
    // A size of the struct itself comes before everything that has no fixed place.
    const closed = this.#chance(0.3);
    if (closed) {
      if (this.#chance(0.3)) add(f.magic("HD"));
      add(f.size(this.#length(), this.#pick([f.whole, f.rest])) as Any);
    }
    for (let i = 1 + this.#below(4); i > 0; i--) this.#pick(groups)();
    if ((closed || where.open) && this.#chance(0.5)) {
      const last = this.#field(depth - 1, { open: true });
      const isTrailing = last.node.kind === "optional";
      add(last);
      if (isTrailing && this.#chance(0.5)) add(f.optional(f.u8));
      if (this.#chance(0.4)) add(this.#pick(NUMBERS));
      if (this.#chance(0.4) && !hasSum) add(f.checksum(f.u16le, crc16));
    }
    return fields;
  }

  /** Members that share bytes, some of which describe others. */
  #bits(fields: Named, add: (field: Any) => string, part: (open?: boolean) => Any): void {
    const n = Object.keys(fields).length;
    add(f.present(`f${n + 6}`));
    add(f.bits(3));
    add(f.withDefault(f.flag, true));
    add(f.constant(f.bits(2), 2));
    add(f.enumOf(f.bits(1), { off: 0, on: 1 }));
    if (this.#chance(0.5)) {
      add(f.size(f.bits(8), `f${n + 6}`, { unit: this.#chance(0.2) ? 2 : 1 }));
      add(f.optional(f.prefixed(f.u8, part(true))));
    } else {
      add(f.checked(f.bits(8), (value) => value !== 9, "not 9"));
      add(f.optional(part()));
    }
  }
}

const DOUBLED = {
  name: "half",
  read: (n: number): number => {
    if (n === 0xffff) throw new RangeError("odd one out");
    return n / 2;
  },
  write: (n: number): number => n * 2,
};
const REVERSED = {
  name: "reversed",
  read: (text: string): string => [...text].reverse().join(""),
  write: (text: string): string => [...text].reverse().join(""),
};

/** A description in one line, for failures. */
export function described(field: AnyField): string {
  const { node } = field;
  const inner = (one: AnyField | number | undefined): string =>
    one === undefined ? "" : typeof one === "number" ? String(one) : described(one);
  switch (node.kind) {
    case "int":
    case "float":
      return node.type;
    case "struct":
      return `{ ${Object.entries(node.fields)
        .map(([name, one]) => `${name}: ${described(one)}`)
        .join(", ")} }`;
    case "union":
      return `union(${described(node.base)}, ${node.cases.map(({ name, body }) => `${name} ${described(body)}`).join(" | ")})`;
    case "match":
      return `match(${node.tag}, ${Object.entries(node.cases)
        .map(([name, one]) => `${name} ${described(one)}`)
        .join(" | ")} | ${inner(node.otherwise)})`;
    case "size":
      return `size(${described(node.base)}, ${node.from}..${node.to} +${node.add} /${node.unit})`;
    case "count":
    case "present":
      return `${node.kind}(${described(node.base)}, ${node.target})`;
    case "checksum":
      return `checksum(${described(node.base)}, ${node.from}..${node.to})`;
    case "array":
      return `array(${described(node.item)}, ${inner(node.length)})`;
    case "until":
      return `until(${described(node.item)})`;
    case "prefixed":
      return `prefixed(${described(node.prefix)}, ${described(node.inner)})`;
    case "bytes":
    case "text":
      return `${node.kind === "text" ? node.charset : "bytes"}(${inner(node.length)}${node.kind === "text" && node.pad !== undefined ? `, ${node.pad}` : ""})`;
    case "constant":
    case "enum":
    case "flags":
      return `${node.kind}(${described(node.base)})`;
    case "bits":
      return `bits(${node.bits})`;
    case "envelope":
    case "optional":
    case "default":
    case "mapped":
    case "checked":
      return `${node.kind}(${described(node.inner)})`;
    default:
      return node.kind;
  }
}
