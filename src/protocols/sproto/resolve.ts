import type { ParsedField, ParsedProtocol, ParsedText, ParsedType, Word } from "./parse-text.ts";
import {
  type Building,
  type FieldKind,
  MAX_DECIMALS,
  MAX_TAG,
  type Schema,
  type SchemaField,
  type SchemaProtocol,
  type SchemaType,
} from "./schema.ts";
import { type Place, SchemaError } from "./schema-error.ts";

const BUILT_IN: ReadonlySet<string> = new Set(["integer", "boolean", "string", "binary", "double"]);

/** Declared types, by full name. */
interface Declared {
  readonly type: { name: string; index: number; fields: readonly SchemaField[] };
  readonly parsed: ParsedType;
}

/**
 * Combines the texts into one schema: looks up names and checks everything. Types are sorted by
 * full name, as the reference numbers them in its bundles.
 */
export function resolve(texts: readonly ParsedText[]): Schema {
  const declared = new Map<string, Declared>();
  for (const text of texts) {
    for (const type of text.types) declare(declared, type, "");
    for (const protocol of text.protocols) {
      for (const { type } of protocol.parts) {
        if ("fields" in type) declare(declared, type, "");
      }
    }
  }
  const sorted = Array.from(declared.values()).sort((a, b) => (a.type.name < b.type.name ? -1 : 1));
  const last = sorted[MAX_TAG + 1];
  if (last !== undefined) {
    fail(last.parsed.name.place, `more than ${MAX_TAG + 1} types: ${sorted.length}`);
  }
  sorted.forEach(({ type }, index) => {
    type.index = index;
  });
  // Kinds and types first, then keys of maps: a key may be a field of a type further down.
  const waiting: { field: Building<SchemaField>; parsed: ParsedField }[] = [];
  for (const { type, parsed } of sorted) {
    type.fields = fieldsOf(parsed, type.name, declared, waiting);
  }
  for (const { field, parsed } of waiting) resolveKey(field, parsed);
  const protocols = protocolsOf(texts, declared);
  const first = texts.find((text) => text.protocols.length > 0)?.protocols[0];
  if (first !== undefined && sorted.length === 0) {
    fail(first.name.place, "a schema with protocols needs at least one type");
  }
  return { types: sorted.map(({ type }) => type), protocols };
}

function declare(all: Map<string, Declared>, parsed: ParsedType, outer: string): void {
  const name = outer + parsed.name.text;
  if (all.has(name)) fail(parsed.name.place, `redefined ${name}`);
  all.set(name, { type: { name, index: 0, fields: [] }, parsed });
  for (const inner of parsed.types) declare(all, inner, `${name}.`);
}

function fieldsOf(
  parsed: ParsedType,
  owner: string,
  declared: Map<string, Declared>,
  waiting: { field: Building<SchemaField>; parsed: ParsedField }[],
): readonly SchemaField[] {
  const names = new Set<string>();
  const tags = new Set<number>();
  const fields = parsed.fields.map((one) => {
    const { name, tag } = one;
    if (names.has(name.text)) fail(name.place, `redefine ${name.text} in type ${owner}`);
    if (tags.has(tag)) fail(name.place, `redefine tag ${tag} in type ${owner}`);
    checkTag(name, tag);
    names.add(name.text);
    tags.add(tag);
    const field = fieldOf(one, owner, declared);
    if (field.type !== undefined && one.parens !== undefined) waiting.push({ field, parsed: one });
    return field;
  });
  return fields.sort((a, b) => a.tag - b.tag);
}

function fieldOf(
  { name, tag, array, type, parens }: ParsedField,
  owner: string,
  declared: Map<string, Declared>,
): Building<SchemaField> {
  const field: Building<SchemaField> = {
    name: name.text,
    tag,
    kind: "struct",
    type: undefined,
    decimals: undefined,
    array,
    key: undefined,
    value: undefined,
  };
  if (!BUILT_IN.has(type.text)) {
    field.type = lookUp(type.text, owner, declared);
    if (field.type === undefined) fail(type.place, `Undefined type ${type.text} in type ${owner}`);
    return field;
  }
  field.kind = type.text as FieldKind;
  if (parens === undefined) return field;
  if (field.kind !== "integer" || (array && parens.kind !== "number")) {
    fail(type.place, `${type.text} of field ${name.text} takes no parentheses`);
  }
  if (parens.kind === "number") {
    if (parens.value > MAX_DECIMALS) {
      fail(type.place, `integer(${parens.value}) of field ${name.text}: at most ${MAX_DECIMALS}`);
    }
    field.decimals = parens.value;
  }
  // The reference reads integer() and integer(id) as integer.
  return field;
}

/** Looks up a name from the inside to the outside: in A.B, `t` is A.B.t, else A.t, else t. */
function lookUp(
  name: string,
  owner: string,
  declared: Map<string, Declared>,
): SchemaType | undefined {
  for (let scope = owner; ; scope = scope.slice(0, scope.lastIndexOf("."))) {
    const found = declared.get(`${scope}.${name}`);
    if (found !== undefined) return found.type;
    if (!scope.includes(".")) return declared.get(name)?.type;
  }
}

/**
 * Resolves `*T(key)` and `*T()`. Without the star the reference ignores the parentheses, unless
 * they contain a number.
 */
function resolveKey(field: Building<SchemaField>, { type, parens }: ParsedField): void {
  if (parens?.kind === "number") fail(type.place, `Invalid map index :${parens.value}`);
  if (!field.array) return;
  const fields = field.type!.fields;
  if (parens?.kind === "word") {
    const key = fields.find((one) => one.name === parens.word);
    if (key === undefined || !isKey(key)) fail(type.place, `Invalid map index :${parens.word}`);
    field.key = key;
    return;
  }
  const [key, value] = fields;
  if (key === undefined || value === undefined || fields.length !== 2) {
    fail(type.place, `Invalid map definition: ${field.name}, must only have two fields`);
  }
  if (!isKey(key)) fail(type.place, `Invalid map index :${key.name}`);
  field.key = key;
  field.value = value;
}

/** True if the field can be the key of a map: a single value of a built-in type. */
export function isKey(field: SchemaField): boolean {
  return field.kind !== "struct" && !field.array;
}

function protocolsOf(
  texts: readonly ParsedText[],
  declared: Map<string, Declared>,
): readonly SchemaProtocol[] {
  const names = new Set<string>();
  const tags = new Set<number>();
  const protocols: SchemaProtocol[] = [];
  for (const parsed of texts.flatMap((text) => text.protocols)) {
    const { name, tag } = parsed;
    if (names.has(name.text)) fail(name.place, `redefined ${name.text}`);
    if (tags.has(tag)) fail(name.place, `redefined protocol tag ${tag} at ${name.text}`);
    checkTag(name, tag);
    names.add(name.text);
    tags.add(tag);
    protocols.push(protocolOf(parsed, declared));
  }
  return protocols.sort((a, b) => a.tag - b.tag);
}

function protocolOf(
  { name, tag, parts }: ParsedProtocol,
  declared: Map<string, Declared>,
): SchemaProtocol {
  const found: Partial<Record<"request" | "response", SchemaType | "nil">> = {};
  for (const { part, place, type } of parts) {
    const text = "fields" in type ? type.name.text : type.text;
    const isNil = text === "nil";
    // Even if a type has that name: the reference allows it in fields only.
    const target = isNil ? undefined : declared.get(text)?.type;
    if (found[part] !== undefined && !(isNil && found[part] === "nil")) {
      fail(place, `redefine ${part} in protocol ${name.text}`);
    }
    if (!isNil && target === undefined) {
      fail(
        "fields" in type ? place : type.place,
        `Undefined ${part} type ${text} in protocol ${name.text}`,
      );
    }
    found[part] = target ?? "nil";
  }
  const { request, response } = found;
  return {
    name: name.text,
    tag,
    request: request === "nil" ? undefined : request,
    response: response === "nil" ? undefined : response,
    confirm: response === "nil",
  };
}

function checkTag(name: Word, tag: number): void {
  if (tag > MAX_TAG) fail(name.place, `tag ${tag} of ${name.text} exceeds ${MAX_TAG}`);
}

function fail(place: Place, reason: string): never {
  throw new SchemaError(place, reason);
}
