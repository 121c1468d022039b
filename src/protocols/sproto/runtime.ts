import * as read from "./decoding.ts";
import * as write from "./encoding.ts";
import type { Engine } from "./engine.ts";
import { planOf, skipWord } from "./plan.ts";
import type { Schema, SchemaField } from "./schema.ts";
import { size, type Writer } from "./writer.ts";

/**
 * Writes the skip word for the tags from `next` to before `tag`, and returns the position after it.
 */
function skip(bytes: Uint8Array, r: number, next: number, tag: number): number {
  const word = skipWord(next, tag);
  bytes[r] = word;
  bytes[r + 1] = word >> 8;
  return r + 2;
}

/**
 * Functions that generated code calls, with the schema's options applied. Names are short, because
 * they appear in the code once per field.
 */
export interface Runtime {
  /** Name of the type at an index. */
  readonly name: (type: number) => string;
  /** `Type.field`, by the indexes of both. */
  readonly label: (type: number, field: number) => string;
  /** The field of a map. */
  readonly map: (type: number, field: number) => SchemaField;
  readonly [helper: string]: unknown;
}

/** A function made of generated code: takes the runtime, returns the engine. */
export type Generated = (runtime: Runtime) => Engine;

/** Creates the runtime for the generated code of a schema. */
export function runtimeOf(schema: Schema, reading: read.Reading): Runtime {
  const { copy, int64, maxDepth, strings } = reading;
  const readBlob = copy ? read.ownBlob : read.blob;
  const readText = strings === "utf8" ? read.text : readBlob;
  const writeText = strings === "utf8" ? write.text : write.textOrBlob;
  const plans = schema.types.map(planOf);
  return Object.freeze<Runtime>({
    name: (type) => schema.types[type]!.name,
    label: (type, field) => plans[type]![field]!.label,
    map: (type, field) => schema.types[type]!.fields[field]!,
    // Writing.
    size,
    skip,
    structs: write.structs,
    own: write.own,
    noStruct: write.noStruct,
    checkStruct: write.checkStruct,
    checkEmpty: write.checkEmpty,
    deepWrite: write.tooDeep,
    integer: write.integer,
    fixed: write.fixed,
    boolean: write.boolean,
    wide: write.wide,
    double: write.double,
    text: writeText,
    blob: write.blob,
    list: write.list,
    integers: write.integers,
    doubles: write.doubles,
    booleans: write.booleans,
    texts: (w: Writer, value: unknown, label: string) => write.blobs(w, value, writeText, label),
    blobs: (w: Writer, value: unknown, label: string) => write.blobs(w, value, write.blob, label),
    keyed: (value: unknown, { key }: SchemaField, label: string) =>
      write.keyed(value, key!.name, label),
    entries: (value: unknown, { key, value: to }: SchemaField, label: string) =>
      write.entries(value, key!, to!.name, label),
    // Reading.
    maxDepth,
    records: read.records,
    extent: read.extent,
    deepRead: (label: string, at: number) => read.tooDeep(maxDepth, label, at),
    notFilled: read.notFilled,
    data: read.checkData,
    inline: read.checkInline,
    small: int64 === "bigint" ? BigInt : undefined,
    readInteger: (bytes: Uint8Array, start: number, end: number, label: string) =>
      read.integer(bytes, start, end, int64, label),
    readFixed: read.fixed,
    readDouble: read.double,
    readText,
    readBlob,
    readIntegers: (bytes: Uint8Array, start: number, end: number, label: string) =>
      read.integers(bytes, start, end, int64, label),
    readFixeds: read.fixeds,
    readDoubles: read.doubles,
    readBooleans: read.booleans,
    readTexts: (bytes: Uint8Array, start: number, end: number, label: string) =>
      read.blobs<unknown>(bytes, start, end, readText, label),
    readBlobs: (bytes: Uint8Array, start: number, end: number, label: string) =>
      read.blobs(bytes, start, end, readBlob, label),
    readStructs: read.structs,
    mapOf: (structs: readonly object[], { key, value }: SchemaField, label: string, at: number) =>
      read.mapOf(structs, key!, value, read.givesObject(key!, reading), label, at),
    define: read.define,
  });
}
