import * as read from "./decoding.ts";
import * as write from "./encoding.ts";
import type { DecodeStruct, EncodeStruct, Engine } from "./engine.ts";
import { type FieldPlan, planOf, roomOf, skipWord } from "./plan.ts";
import type { Schema, SchemaType } from "./schema.ts";
import { size, type Writer } from "./writer.ts";

/*
 * The engine without generated code: a loop over the fields of a type.
 *
 *   u32 length | u16 count | records: u16 each | data: for each record 0 a u32 length and so many bytes
 *
 * A message is written in two passes over its fields, because its records come first, one for each
 * field and gap. Values wait on the writer's stack in between.
 */

/** Creates the interpreter of a schema. */
export function interpret(schema: Schema, reading: read.Reading): Engine {
  const { copy, int64, maxDepth, strings } = reading;
  const writeText = strings === "utf8" ? write.text : write.textOrBlob;
  const readBlob = copy ? read.ownBlob : read.blob;
  const readText = strings === "utf8" ? read.text : readBlob;
  const encoders = schema.types.map(encoderOf);
  const decoders = schema.types.map(decoderOf);
  let stop = 0;
  const stopped = (): number => stop;

  function encoderOf(type: SchemaType): EncodeStruct {
    const fields = planOf(type);
    const room = roomOf(fields);
    const { name } = type;
    return (w, value, depth) => {
      if (typeof value !== "object" || value === null) write.noStruct(value, name);
      w.need(room);
      const { bytes, stack, at: head, top: base } = w;
      let top = base;
      let r = head + 6;
      let next = 0;
      for (let i = 0; i < fields.length; i++) {
        const field = fields[i]!;
        const { tag, op } = field;
        let v = field.inherited
          ? write.own(value, field.name)
          : (value as Record<string, unknown>)[field.name];
        if (v === undefined) continue;
        if (tag !== next) r = put16(bytes, r, skipWord(next, tag));
        next = tag + 1;
        let record = 0;
        if (op === "integer" || op === "fixed") {
          if (op === "fixed") v = write.fixed(v, field.factor, field.label);
          else if (typeof v !== "number" || (v | 0) !== v) v = write.integer(v, field.label);
          if ((v as number) >= 0 && (v as number) < 32767) record = ((v as number) + 1) * 2;
        } else if (op === "boolean") {
          record = write.boolean(v, field.label) * 2 + 2;
        }
        r = put16(bytes, r, record);
        if (record !== 0) continue;
        stack[top] = v;
        stack[top + 1] = field;
        top += 2;
      }
      w.at = r;
      w.top = top;
      put16(bytes, head + 4, (r - head - 6) / 2);
      if (next === 0) write.checkEmpty(value, name);
      else if (depth > w.maxDepth) write.tooDeep(w, name);
      for (let i = base; i < top; i += 2) {
        writeData(w, stack[i], stack[i + 1] as FieldPlan, depth);
        // Otherwise the stack would keep written values alive.
        stack[i] = undefined;
      }
      w.top = base;
      size(w, head);
    };
  }

  function writeData(w: Writer, value: unknown, plan: FieldPlan, depth: number): void {
    const { op, label } = plan;
    switch (op) {
      case "text":
        writeText(w, value, 0, label);
        break;
      case "integer":
      case "fixed":
        w.need(12);
        w.at = write.wide(w.bytes, w.at, value as number | bigint);
        break;
      case "struct":
        write.checkStruct(value, label);
        encoders[plan.type]!(w, value, depth + 1);
        break;
      case "structs":
        writeStructs(w, write.list(value, label), plan, depth);
        break;
      case "double":
        w.need(12);
        w.at = write.double(w, w.at, value, label);
        break;
      case "blob":
        write.blob(w, value, 0, label);
        break;
      case "integers":
      case "fixeds":
        write.integers(w, value, plan.factor, label);
        break;
      case "doubles":
        write.doubles(w, value, label);
        break;
      case "booleans":
        write.booleans(w, value, label);
        break;
      case "texts":
        write.blobs(w, value, writeText, label);
        break;
      case "blobs":
        write.blobs(w, value, write.blob, label);
        break;
      case "keyed":
        writeStructs(w, write.keyed(value, plan.field.key!.name, label), plan, depth);
        break;
      default: {
        const { key, value: to } = plan.field;
        writeStructs(w, write.entries(value, key!, to!.name, label), plan, depth);
      }
    }
  }

  function writeStructs(
    w: Writer,
    values: readonly unknown[],
    { type, label }: FieldPlan,
    depth: number,
  ): void {
    write.structs(w, values, encoders[type]!, depth + 1, label);
  }

  function decoderOf(type: SchemaType): DecodeStruct {
    const fields = planOf(type);
    const { name } = type;
    return (bytes, start, end, depth) => {
      const count = read.records(bytes, start, end, name);
      if (count > 0 && depth > maxDepth) read.tooDeep(maxDepth, name, start);
      const value: Record<string, unknown> = {};
      const last = start + 2 + 2 * count;
      let data = last;
      let tag = 0;
      let nth = 0;
      for (let r = start + 2; r < last; r += 2) {
        const record = bytes[r]! | (bytes[r + 1]! << 8);
        if ((record & 1) !== 0) {
          tag += (record >> 1) + 1;
          continue;
        }
        const from = data + 4;
        if (record === 0) data = read.extent(bytes, data, end, name);
        while (nth < fields.length && fields[nth]!.tag < tag) nth++;
        const field = fields[nth];
        if (field !== undefined && field.tag === tag) {
          const found = readField(bytes, record, record === 0 ? from : r, data, field, depth);
          if (field.inherited) read.define(value, field.name, found);
          else value[field.name] = found;
        }
        tag++;
      }
      stop = data;
      return value;
    };
  }

  /** Reads the value of a field: inline in `record`, or in `bytes[start .. end)` if that is 0. */
  function readField(
    bytes: Uint8Array,
    record: number,
    start: number,
    end: number,
    plan: FieldPlan,
    depth: number,
  ): unknown {
    const { op, label } = plan;
    if (op === "integer" && record !== 0) {
      return int64 === "bigint" ? BigInt((record >> 1) - 1) : (record >> 1) - 1;
    }
    if (op === "boolean") {
      read.checkInline(record, label, start);
      return record !== 2;
    }
    if (op === "fixed" && record !== 0) return ((record >> 1) - 1) / plan.factor;
    read.checkData(record, label, start);
    switch (op) {
      case "text":
        return readText(bytes, start, end, label);
      case "integer":
        return read.integer(bytes, start, end, int64, label);
      case "fixed":
        return read.fixed(bytes, start, end, plan.factor, label);
      case "struct":
        return readStruct(bytes, start, end, plan, depth);
      case "structs":
        return readStructs(bytes, start, end, plan, depth);
      case "double":
        return read.double(bytes, start, end, label);
      case "blob":
        return readBlob(bytes, start, end);
      case "integers":
        return read.integers(bytes, start, end, int64, label);
      case "fixeds":
        return read.fixeds(bytes, start, end, plan.factor, label);
      case "doubles":
        return read.doubles(bytes, start, end, label);
      case "booleans":
        return read.booleans(bytes, start, end);
      case "texts":
        return read.blobs<unknown>(bytes, start, end, readText, label);
      case "blobs":
        return read.blobs(bytes, start, end, readBlob, label);
      default: {
        const { key, value } = plan.field;
        const structs = readStructs(bytes, start, end, plan, depth);
        const asObject = read.givesObject(key!, reading);
        return read.mapOf(structs, key!, value, asObject, label, start);
      }
    }
  }

  function readStruct(
    bytes: Uint8Array,
    start: number,
    end: number,
    { type, label }: FieldPlan,
    depth: number,
  ): object {
    const value = decoders[type]!(bytes, start, end, depth + 1);
    if (stop !== end) read.notFilled(stop, end, label);
    return value;
  }

  function readStructs(
    bytes: Uint8Array,
    start: number,
    end: number,
    { type, label }: FieldPlan,
    depth: number,
  ): object[] {
    return read.structs(bytes, start, end, decoders[type]!, stopped, depth + 1, label);
  }

  return { encoders, decoders, stop: stopped };
}

function put16(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value;
  bytes[at + 1] = value >> 8;
  return at + 2;
}
