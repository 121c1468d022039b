import { decodeUtf8, Output, ProtocolError, u16le, u32le } from "../../core/index.ts";
import { isKey } from "./resolve.ts";
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

/*
 * The binary form of a schema, which is itself a sproto message, a `.group`:
 *
 *   .type { .field { name 0:string  buildin 1:integer  type 2:integer  tag 3:integer
 *                    array 4:boolean  key 5:integer  map 6:boolean }
 *           name 0:string  fields 1:*field }
 *   .protocol { name 0:string  tag 1:integer  request 2:integer  response 3:integer  confirm 4:boolean }
 *   .group { type 0:*type  protocol 1:*protocol }
 *
 * Written and read by hand instead of by the engines: the reference reads the records of a protocol
 * by position (sproto.c, import_protocol), so only some forms of legal sproto are correct.
 */

/** Numbers of the built-in types in a bundle; binary is a string with type 1. */
const BUILD_IN: Readonly<Record<FieldKind, number | undefined>> = {
  integer: 0,
  boolean: 1,
  string: 2,
  binary: 2,
  double: 3,
  struct: undefined,
};

const SKIP_ONE = 1;

/** An inline value. */
const inline = (value: number): number => (value + 1) * 2;

/** Writes the bundle of a schema, byte for byte as sprotoparser does for the same text. */
export function writeBundle(schema: Schema): Uint8Array<ArrayBuffer> {
  const out = new Output();
  const { types, protocols } = schema;
  const lists: ((out: Output) => void)[] = [];
  if (types.length > 0) lists.push((to) => writeList(to, types, writeType));
  if (protocols.length > 0) lists.push((to) => writeList(to, protocols, writeProtocol));
  out.u16le(lists.length);
  for (const _ of lists) out.u16le(0);
  for (const list of lists) writeSized(out, list);
  return out.take();
}

/** Writes a u32 length, then the bytes that it counts. */
function writeSized(out: Output, write: (out: Output) => void): void {
  const at = out.reserve(4);
  write(out);
  out.patch(at, 4, out.length - at - 4, "le");
}

function writeList<T>(
  out: Output,
  list: readonly T[],
  write: (out: Output, element: T) => void,
): void {
  for (const element of list) writeSized(out, (to) => write(to, element));
}

function writeType(out: Output, { name, fields }: SchemaType): void {
  out.u16le(fields.length > 0 ? 2 : 1).u16le(0);
  if (fields.length > 0) out.u16le(0);
  writeSized(out, (to) => to.utf8(name));
  if (fields.length > 0) writeSized(out, (to) => writeList(to, fields, writeField));
}

function writeField(out: Output, field: SchemaField): void {
  const buildIn = BUILD_IN[field.kind];
  const type = field.type?.index ?? (field.kind === "binary" ? 1 : field.decimals);
  const records = [0];
  if (buildIn === undefined) records.push(SKIP_ONE);
  else records.push(inline(buildIn));
  if (type === undefined) records.push(SKIP_ONE);
  else records.push(inline(type));
  records.push(inline(field.tag));
  if (field.array) records.push(inline(1));
  if (field.key !== undefined) records.push(inline(field.key.tag));
  if (field.value !== undefined) records.push(inline(1));
  out.u16le(records.length);
  for (const record of records) out.u16le(record);
  writeSized(out, (to) => to.utf8(field.name));
}

function writeProtocol(out: Output, protocol: SchemaProtocol): void {
  const { request, response, confirm } = protocol;
  const records = [0, inline(protocol.tag)];
  if (request !== undefined || response !== undefined || confirm) {
    records.push(request === undefined ? SKIP_ONE : inline(request.index));
  }
  // Two single skip words; an encoded message would have one double one.
  if (response !== undefined) records.push(inline(response.index));
  else if (confirm) records.push(SKIP_ONE);
  if (confirm) records.push(inline(1));
  out.u16le(records.length);
  for (const record of records) out.u16le(record);
  writeSized(out, (to) => to.utf8(protocol.name));
}

/** The value of one field: an inline number, or an extent of the data part. */
type Item = number | { readonly start: number; readonly end: number };

/** The fields of one message, by tag. */
type Items = Map<number, Item>;

const NO_ITEMS: Items = new Map();

/**
 * Reads the schema of a bundle.
 *
 * @throws ProtocolError `malformed` for other bytes, unknown fields, missing types, or maps without
 *   a valid key. (The reference checks neither `key` nor `map`.)
 */
export function readBundle(bytes: Uint8Array): Schema {
  const end = bytes.length;
  if (end < 4) bad(`bundle of ${end} bytes, at least 4 are needed`, 0);
  const group = readItems(bytes, 0, end, 1, "group");
  const types: Building<SchemaType>[] = [];
  const waiting: { items: Items; at: number }[][] = [];
  for (const { start, end: stop } of elements(bytes, group, 0, "types")) {
    const items = readItems(bytes, start, stop, 1, "type");
    const name = textOf(bytes, items, 0, "name of a type", start);
    types.push({ name, index: types.length, fields: [] });
    const fields = elements(bytes, items, 1, `fields of ${name}`);
    waiting.push(
      fields.map((one) => ({
        items: readItems(bytes, one.start, one.end, 6, "field"),
        at: one.start,
      })),
    );
  }
  if (types.length > MAX_TAG + 1) bad(`${types.length} types exceed ${MAX_TAG + 1}`, 0);
  distinct(types, "type");
  types.forEach((type, index) => {
    let last = -1;
    type.fields = waiting[index]!.map(({ items, at }) => {
      const field = readField(bytes, items, types, at);
      if (field.tag <= last) bad(`tag ${field.tag} of ${type.name} follows ${last}`, at);
      last = field.tag;
      return field;
    });
    distinct(type.fields, `field of ${type.name}`);
  });
  types.forEach((type, index) => {
    type.fields.forEach((field, nth) => {
      const { items, at } = waiting[index]![nth]!;
      readKey(field, items, at, `${type.name}.${field.name}`);
    });
  });
  const protocols = elements(bytes, group, 1, "protocols").map(({ start, end: stop }) =>
    readProtocol(bytes, readItems(bytes, start, stop, 4, "protocol"), types, start),
  );
  distinct(protocols, "protocol");
  protocols.forEach(({ tag }, nth) => {
    const before = protocols[nth - 1]?.tag ?? -1;
    if (tag <= before) bad(`protocol tag ${tag} follows ${before}`, 0);
  });
  if (types.length === 0) bad("bundle without a type", 0);
  return { types, protocols };
}

function readField(
  bytes: Uint8Array,
  items: Items,
  types: readonly SchemaType[],
  at: number,
): Building<SchemaField> {
  const name = textOf(bytes, items, 0, "name of a field", at);
  const buildIn = numberOf(items, 1, `buildin of ${name}`, at);
  const type = numberOf(items, 2, `type of ${name}`, at);
  const tag = numberOf(items, 3, `tag of ${name}`, at);
  const array = (numberOf(items, 4, `array of ${name}`, at) ?? 0) !== 0;
  if (tag === undefined) bad(`field ${name} has no tag`, at);
  const field: Building<SchemaField> = {
    name,
    tag,
    kind: "struct",
    type: undefined,
    decimals: undefined,
    array,
    key: undefined,
    value: undefined,
  };
  if (buildIn === undefined) {
    field.type = typeAt(types, type, `field ${name}`, at);
    if (field.type === undefined) bad(`field ${name} has no type`, at);
    return field;
  }
  if (buildIn > 3) bad(`buildin ${buildIn} of ${name} exceeds 3`, at);
  field.kind = (["integer", "boolean", "string", "double"] as const)[buildIn]!;
  if (field.kind === "string" && type === 1) field.kind = "binary";
  if (field.kind === "integer" && type !== undefined) {
    if (type > MAX_DECIMALS) bad(`integer(${type}) of ${name}: at most ${MAX_DECIMALS}`, at);
    field.decimals = type;
  }
  return field;
}

function readKey(field: Building<SchemaField>, items: Items, at: number, name: string): void {
  const key = numberOf(items, 5, `key of ${name}`, at);
  const map = (numberOf(items, 6, `map of ${name}`, at) ?? 0) !== 0;
  if (key === undefined) {
    if (map) bad(`map ${name} has no key`, at);
    return;
  }
  const fields = field.type?.fields ?? [];
  const found = fields.find((one) => one.tag === key);
  if (found === undefined || !field.array || !isKey(found)) {
    bad(`key ${key} of ${name} is not a field that can be a key`, at);
  }
  field.key = found;
  if (!map) return;
  if (fields.length !== 2 || fields[0] !== found) {
    bad(`map ${name} needs a type of two fields, the key first`, at);
  }
  field.value = fields[1];
}

function readProtocol(
  bytes: Uint8Array,
  items: Items,
  types: readonly SchemaType[],
  at: number,
): SchemaProtocol {
  const name = textOf(bytes, items, 0, "name of a protocol", at);
  const tag = numberOf(items, 1, `tag of ${name}`, at);
  if (tag === undefined) bad(`protocol ${name} has no tag`, at);
  const type = (nth: number, what: string): SchemaType | undefined =>
    typeAt(types, numberOf(items, nth, `${what} of ${name}`, at), `${what} of ${name}`, at);
  return {
    name,
    tag,
    request: type(2, "request"),
    response: type(3, "response"),
    confirm: (numberOf(items, 4, `confirm of ${name}`, at) ?? 0) !== 0,
  };
}

function typeAt(
  types: readonly SchemaType[],
  index: number | undefined,
  what: string,
  at: number,
): SchemaType | undefined {
  if (index === undefined) return undefined;
  return types[index] ?? bad(`${what}: type ${index} of ${types.length}`, at);
}

/**
 * Reads the fields of the message in `bytes[start .. end)`, which must end there unless it is the
 * whole bundle. A tag above `most` belongs to a later version.
 */
function readItems(
  bytes: Uint8Array,
  start: number,
  end: number,
  most: number,
  what: string,
): Items {
  if (end - start < 2) bad(`${what} of ${end - start} bytes`, start);
  const count = u16le(bytes, start);
  let data = start + 2 + 2 * count;
  if (data > end) bad(`${count} records of a ${what} exceed its ${end - start} bytes`, start);
  const items: Items = count > 0 ? new Map() : NO_ITEMS;
  let tag = 0;
  for (let at = start + 2; at < start + 2 + 2 * count; at += 2) {
    const record = u16le(bytes, at);
    if ((record & 1) !== 0) {
      tag += (record >> 1) + 1;
      continue;
    }
    if (tag > most) bad(`${what} has a field ${tag}, known are 0 to ${most}`, at);
    if (record === 0) {
      const stop = extent(bytes, data, end, what);
      items.set(tag, { start: data + 4, end: stop });
      data = stop;
    } else {
      items.set(tag, (record >> 1) - 1);
    }
    tag++;
  }
  if (start > 0 && data < end) bad(`${end - data} bytes after a ${what}`, data);
  return items;
}

/** Returns the end of the item whose u32 length is at `at`. */
function extent(bytes: Uint8Array, at: number, end: number, what: string): number {
  if (end - at < 4) bad(`length of a field of a ${what} is cut off`, at);
  const length = u32le(bytes, at);
  if (length > end - at - 4) bad(`length ${length} exceeds the ${end - at - 4} bytes left`, at);
  return at + 4 + length;
}

function elements(
  bytes: Uint8Array,
  items: Items,
  tag: number,
  what: string,
): { readonly start: number; readonly end: number }[] {
  const item = items.get(tag);
  if (item === undefined) return [];
  if (typeof item === "number") bad(`${what} are not a list`, 0);
  const list = [];
  for (let at = item.start; at < item.end; ) {
    const stop = extent(bytes, at, item.end, what);
    list.push({ start: at + 4, end: stop });
    at = stop;
  }
  return list;
}

function textOf(bytes: Uint8Array, items: Items, tag: number, what: string, at: number): string {
  const item = items.get(tag);
  if (item === undefined || typeof item === "number") bad(`${what} is not text`, at);
  return decodeUtf8(bytes, item.start, item.end);
}

/** Returns a small number; numbers in a bundle are always inline. */
function numberOf(items: Items, tag: number, what: string, at: number): number | undefined {
  const item = items.get(tag);
  if (item !== undefined && typeof item !== "number") bad(`${what} is not an inline number`, at);
  return item;
}

function distinct(named: readonly { readonly name: string }[], what: string): void {
  const names = new Set<string>();
  for (const { name } of named) {
    if (names.has(name)) bad(`${what} ${name} twice`, 0);
    names.add(name);
  }
}

function bad(reason: string, at: number): never {
  throw new ProtocolError("malformed", `bundle: ${reason}`, at);
}
