import fc from "fast-check";

// Random schemas, and random values for their types.

type Kind = "integer" | "fixed" | "boolean" | "string" | "binary" | "double" | "struct";

interface Field {
  readonly name: string;
  readonly tag: number;
  readonly kind: Kind;
  readonly decimals: number;
  readonly array: boolean;
  /** Index of the type of a struct. */
  readonly type: number;
  /** Name of the key of a map. */
  readonly key: string | undefined;
  /** `*T()` */
  readonly pairs: boolean;
}

export interface Model {
  readonly types: readonly (readonly Field[])[];
}

// Names that stand for something on every object, in generated code, or nothing at all.
const NAMES = [
  ..."abcdefgh",
  "__proto__",
  "constructor",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "then",
  "w",
  "stop",
  "return",
  "f0",
  "length",
];

const draft = fc.record({
  name: fc.constantFrom(...NAMES),
  gap: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.nat(3), fc.constantFrom(100, 3000)),
  kind: fc.constantFrom<Kind>(
    ...(["integer", "fixed", "boolean", "string", "binary", "double", "struct", "struct"] as const),
  ),
  decimals: fc.nat(9),
  array: fc.boolean(),
  type: fc.nat(3),
  map: fc.constantFrom("no", "key", "pairs"),
});

const isKey = (field: Field | undefined): field is Field =>
  field !== undefined && field.kind !== "struct" && field.kind !== "binary" && !field.array;

/** A schema of one to four types, which refer to each other and to themselves. */
export const models: fc.Arbitrary<Model> = fc
  .array(fc.uniqueArray(draft, { maxLength: 6, selector: ({ name }) => name }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((drafts) => {
    const plain = drafts.map((fields) => {
      let tag = -1;
      return fields.map(({ name, gap, kind, decimals, array, type }): Field => {
        tag += 1 + gap;
        const target = type % drafts.length;
        return { name, tag, kind, decimals, array, type: target, key: undefined, pairs: false };
      });
    });
    const types = plain.map((fields, index) =>
      fields.map((field, nth): Field => {
        const { map } = drafts[index]![nth]!;
        if (field.kind !== "struct" || !field.array || map === "no") return field;
        const target = plain[field.type]!;
        const pairs = map === "pairs" && target.length === 2 && isKey(target[0]);
        const key = pairs ? target[0] : target.find(isKey);
        return key === undefined ? field : { ...field, key: key.name, pairs };
      }),
    );
    return { types };
  });

/** The text of a schema. */
export function textOf({ types }: Model): string {
  const line = (field: Field): string => {
    const name = field.kind === "fixed" ? `integer(${field.decimals})` : field.kind;
    const type = field.kind === "struct" ? `T${field.type}` : name;
    const key = field.key === undefined ? "" : field.pairs ? "()" : `(${field.key})`;
    return `  ${field.name} ${field.tag} : ${field.array ? "*" : ""}${type}${key}`;
  };
  return types
    .map((fields, index) => [`.T${index} {`, ...fields.map(line), "}"].join("\n"))
    .join("\n");
}

const integers: fc.Arbitrary<number | bigint> = fc.oneof(
  fc.integer({ min: -3, max: 40000 }),
  fc.constantFrom<number | bigint>(
    32766,
    32767,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    -(2 ** 31) - 1,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    2n ** 53n,
    -(2n ** 53n),
    2n ** 63n - 1n,
    -(2n ** 63n),
  ),
  fc.maxSafeInteger(),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)),
);

function scalars({ kind, decimals }: Field): fc.Arbitrary<unknown> {
  switch (kind) {
    case "fixed":
      // What the wire can hold exactly, so that it comes back as it went.
      return fc.integer({ min: -(2 ** 40), max: 2 ** 40 }).map((value) => value / 10 ** decimals);
    case "boolean":
      return fc.boolean();
    case "string":
      return fc.oneof(fc.string({ unit: "binary" }), fc.string({ minLength: 20, maxLength: 40 }));
    case "binary":
      return fc.uint8Array({ maxLength: 40 });
    case "double":
      return fc.double();
    default:
      return integers;
  }
}

/** Values of one type, nested a few levels deep. */
export function valuesOf(model: Model, type: number, depth = 0): fc.Arbitrary<object> {
  const fields = model.types[type]!;
  const members = fields.map((field) => {
    const isDeep = field.kind === "struct" && depth >= 2;
    if (isDeep && !field.array) return fc.constant(undefined);
    const single =
      field.kind !== "struct" || isDeep ? scalars(field) : valuesOf(model, field.type, depth + 1);
    const value = field.array
      ? fc.array(single, { maxLength: isDeep ? 0 : 4 }).map((list) => asMap(model, field, list))
      : single;
    return fc.option(value, { nil: undefined, freq: 3 });
  });
  return fc.tuple(...members).map((values) => {
    const object = Object.create(null) as Record<string, unknown>;
    fields.forEach(({ name }, nth) => {
      if (values[nth] !== undefined) object[name] = values[nth];
    });
    return object;
  });
}

/** A list of structs as the map that the field is; those without key or value are left out. */
function asMap(model: Model, field: Field, list: readonly unknown[]): unknown {
  if (field.key === undefined) return list;
  const map = new Map<unknown, unknown>();
  const second = field.pairs ? model.types[field.type]![1]!.name : undefined;
  for (const struct of list as readonly Record<string, unknown>[]) {
    const key = struct[field.key];
    const value = second === undefined ? struct : struct[second];
    if (key !== undefined && value !== undefined) map.set(key, value);
  }
  return map;
}
