import { decodeUtf8, f32le, f64le, i32le, i64le, u32le, u64le } from "../../core/index.ts";
import { lastEnd } from "../last-end.ts";
import type { Draft } from "../part.ts";
import type { Request } from "./explainer.ts";
import { type FieldType, headerOf, type MessageType, typeOf } from "./protobuf-types.ts";

const DEEPEST = 100;
const VARINT = 0;
const I64 = 1;
const START = 3;
const END = 4;
const I32 = 5;
const WIRE_NAMES = ["varint", "8 bytes", "length", "group", "end of group", "4 bytes"];

/** A message with its type, if the codec has one; otherwise guessed from the bytes. */
export function explainProtobuf({ format, name, bytes, start, end }: Request): Draft {
  return explained(name, bytes, start, end, typeOf(format));
}

/** A message with a header in field 1 that names its type. */
export function explainHeaderMessage({ format, name, bytes, start, end }: Request): Draft {
  const types = format.types as ReadonlyMap<string, { readonly format?: object | undefined }>;
  const head: Draft = { name, start, end: start, type: "message", parts: [] };
  // First to find the name, then again with the type of that name.
  new Walk(bytes).all(head, headerOf(undefined), end);
  const header = head.parts!.find((part) => part.name === "header");
  const type = header?.parts?.find((part) => part.name === "msg_type")?.value;
  const codec = typeof type === "string" ? types.get(type) : undefined;
  return explained(name, bytes, start, end, headerOf(codec && typeOf(codec.format)));
}

function explained(
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
  type: MessageType | undefined,
): Draft {
  const root: Draft = { name, start, end: start, type: type?.name ?? "message", parts: [] };
  new Walk(bytes).all(root, type, end);
  return root;
}

/** Ends the walk. */
function stop(): never {
  throw new Error("not a message");
}

class Walk {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  all(part: Draft, type: MessageType | undefined, end: number): void {
    try {
      this.#message(part, type, part.start, end, 1);
    } catch {
      part.end = lastEnd(part);
    }
  }

  /** Reads a varint; also returns its end. */
  #varint(start: number, end: number): { readonly n: bigint; readonly at: number } {
    let n = 0n;
    for (let i = 0; i < 10 && start + i < end; i++) {
      const byte = this.#bytes[start + i]!;
      if (i === 9 && byte > 1) stop();
      n |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return { n, at: start + i + 1 };
    }
    return stop();
  }

  /** Reads fields up to the end, or to the end of the group; returns that position. */
  #message(
    part: Draft,
    type: MessageType | undefined,
    start: number,
    end: number,
    depth: number,
    group = 0,
  ): number {
    if (depth > DEEPEST) stop();
    let at = start;
    while (at < end) {
      const tag = this.#varint(at, end);
      const number = Number(tag.n >> 3n);
      const wire = Number(tag.n & 7n);
      if (number < 1 || number > 536_870_911 || wire > I32) stop();
      if (wire === END) {
        if (number !== group) stop();
        addLeaf(part, "end", "varint", at, tag.at, Number(tag.n), {
          hidden: true,
          note: `end of group ${number}`,
        });
        part.end = tag.at;
        return tag.at;
      }
      const known = type?.field(number);
      const name = known?.name ?? `field ${number}`;
      const field: Draft = { name, start: at, end: at, type: "field", parts: [] };
      part.parts!.push(field);
      try {
        addLeaf(field, "tag", "varint", at, tag.at, Number(tag.n), {
          hidden: true,
          note: `field ${number}, ${WIRE_NAMES[wire]}`,
        });
        at = this.#value(field, known, wire, number, tag.at, end, depth);
      } finally {
        field.end = lastEnd(field);
      }
    }
    if (group !== 0) stop();
    part.end = at;
    return at;
  }

  #value(
    field: Draft,
    known: FieldType | undefined,
    wire: number,
    number: number,
    at: number,
    end: number,
    depth: number,
  ): number {
    switch (wire) {
      case VARINT: {
        const { n, at: stopAt } = this.#varint(at, end);
        this.#leaf(field, "value", known, at, stopAt, varintOf(known, n));
        return stopAt;
      }
      case I64:
      case I32: {
        const stopAt = at + (wire === I64 ? 8 : 4);
        if (stopAt > end) stop();
        this.#leaf(field, "value", known, at, stopAt, this.#fixed(known, at, stopAt));
        return stopAt;
      }
      case START:
        field.type = "group";
        return this.#message(field, known?.message, at, end, depth + 1, number);
      default: {
        const { n, at: from } = this.#varint(at, end);
        const stopAt = from + Number(n);
        if (stopAt > end) stop();
        addLeaf(field, "length", "varint", at, from, Number(n), { hidden: true });
        this.#sized(field, known, from, stopAt, depth);
        return stopAt;
      }
    }
  }

  #leaf(
    field: Draft,
    name: string,
    known: FieldType | undefined,
    start: number,
    end: number,
    value: unknown,
  ): void {
    const enumName = known?.names?.(Number(value));
    addLeaf(field, name, known?.type ?? "number", start, end, enumName ?? value, {
      ...(enumName !== undefined && { note: String(value) }),
    });
    if (name !== "value") return;
    field.type = known?.type ?? "number";
    field.value = enumName ?? value;
  }

  #fixed(known: FieldType | undefined, start: number, end: number): number | bigint {
    const bytes = this.#bytes;
    switch (known?.type) {
      case "float":
        return f32le(bytes, start);
      case "double":
        return f64le(bytes, start);
      case "sfixed32":
        return i32le(bytes, start);
      case "sfixed64":
        return i64le(bytes, start);
    }
    return end - start === 4 ? u32le(bytes, start) : u64le(bytes, start);
  }

  /** The content after a length: text, bytes, a message, or numbers. */
  #sized(
    field: Draft,
    known: FieldType | undefined,
    start: number,
    end: number,
    depth: number,
  ): void {
    if (known === undefined) {
      this.#guess(field, start, end, depth);
    } else if (known.message !== undefined) {
      field.type = known.message.name;
      this.#message(field, known.message, start, end, depth + 1);
    } else if (known.type === "string") {
      this.#leaf(field, "value", known, start, end, decodeUtf8(this.#bytes, start, end));
    } else if (known.type === "bytes") {
      this.#leaf(field, "value", known, start, end, this.#bytes.subarray(start, end));
    } else this.#packed(field, known, start, end);
  }

  /** Packed numbers. */
  #packed(field: Draft, known: FieldType, start: number, end: number): void {
    const width = /64$|^double$/.test(known.type) ? 8 : 4;
    const isFixed = /fixed|float|double/.test(known.type);
    const list: unknown[] = [];
    for (let at = start; at < end; ) {
      const name = `[${list.length}]`;
      if (isFixed) {
        if (at + width > end) stop();
        this.#leaf(field, name, known, at, at + width, this.#fixed(known, at, at + width));
        at += width;
      } else {
        const one = this.#varint(at, end);
        this.#leaf(field, name, known, at, one.at, varintOf(known, one.n));
        at = one.at;
      }
      list.push(field.parts!.at(-1)!.value);
    }
    field.type = `repeated ${known.type}`;
    field.value = list;
  }

  /** Without a type: text if it is readable, otherwise a message if it parses as one. */
  #guess(field: Draft, start: number, end: number, depth: number): void {
    const bytes = this.#bytes;
    const text = textIn(bytes, start, end);
    if (text !== undefined) {
      this.#leaf(field, "value", { name: "", type: "string" }, start, end, text);
      return;
    }
    const inner: Draft = { name: "value", start, end: start, type: "message", parts: [] };
    try {
      if (start === end) stop();
      this.#message(inner, undefined, start, end, depth + 1);
      field.type = "message";
      field.parts!.push(...inner.parts!);
    } catch {
      this.#leaf(
        field,
        "value",
        { name: "", type: "bytes" },
        start,
        end,
        bytes.subarray(start, end),
      );
    }
  }
}

function addLeaf(
  parent: Draft,
  name: string,
  type: string,
  start: number,
  end: number,
  value: unknown,
  marks: Pick<Draft, "hidden" | "note">,
): void {
  parent.parts!.push({ name, start, end, type, value, ...marks });
}

/** Text without control characters; otherwise undefined. */
function textIn(bytes: Uint8Array, start: number, end: number): string | undefined {
  if (start === end) return undefined;
  try {
    const text = decodeUtf8(bytes, start, end);
    return /^[^\p{Cc}\p{Cf}]+$/u.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

const small = (n: bigint): number | bigint => (Number.isSafeInteger(Number(n)) ? Number(n) : n);

/** The value of a varint. */
function varintOf(known: FieldType | undefined, n: bigint): unknown {
  switch (known?.type) {
    case "bool":
      return n !== 0n;
    case "int32":
    case "enum":
      return Number(BigInt.asIntN(32, n));
    case "uint32":
      return Number(BigInt.asUintN(32, n));
    case "sint32":
    case "sint64":
      return small((n >> 1n) ^ -(n & 1n));
    case "int64":
      return small(BigInt.asIntN(64, n));
    default:
      return known?.names === undefined ? small(n) : Number(BigInt.asIntN(32, n));
  }
}
