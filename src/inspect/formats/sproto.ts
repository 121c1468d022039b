import { decodeUtf8, f64le, i32le, i64le, u16le, u32le } from "../../core/index.ts";
import { lastEnd } from "../last-end.ts";
import type { Draft } from "../part.ts";
import type { Request } from "./explainer.ts";

/** A field of a schema. */
interface Field {
  readonly name: string;
  readonly tag: number;
  readonly kind: "integer" | "boolean" | "string" | "binary" | "double" | "struct";
  readonly type: Type | undefined;
  readonly decimals: number | undefined;
  readonly array: boolean;
}

interface Type {
  readonly name: string;
  readonly fields: readonly Field[];
}

/** Details of the formats. */
interface Details {
  readonly type: Type;
  readonly maxDepth: number;
  readonly strings: "utf8" | "bytes";
  /** For packed messages. */
  readonly unpack?: ((bytes: Uint8Array, start: number, end: number) => Uint8Array) | undefined;
  /** For remote calls: the requests that this side receives, by tag. */
  readonly requests?: ReadonlyMap<number, Type | undefined> | undefined;
}

/** A message of a type: its records, then its data. */
export function explainSproto({ format, name, bytes, start, end }: Request): Draft {
  const details = format as unknown as Details;
  const { type, unpack, requests } = details;
  if (unpack === undefined) {
    const root: Draft = { name, start, end: start, type: type.name, parts: [] };
    new Walk(bytes, details).all(root, type, end);
    return root;
  }
  const packed: Draft = { name, start, end, type: "packed", value: bytes.subarray(start, end) };
  let inner: Uint8Array;
  try {
    inner = unpack(bytes, start, end);
  } catch {
    return packed;
  }
  const part: Draft = { name: "unpacked", start: 0, end: 0, type: type.name, parts: [] };
  const walk = new Walk(inner, details);
  if (requests === undefined) walk.all(part, type, inner.length);
  else explainCall(part, walk, type, requests, inner);
  const at = lastEnd(part);
  if (at < inner.length) {
    const isPadding = inner.length - at < 8 && inner.subarray(at).every((byte) => byte === 0);
    addLeaf(part, isPadding ? "padding" : "?", "bytes", at, inner.length, inner.subarray(at));
    if (isPadding) part.parts!.at(-1)!.hidden = true;
  }
  part.end = inner.length;
  packed.unpacked = { bytes: inner, part };
  return packed;
}

/**
 * The header of a call, and the request that it names. The type of a response is known only to its session.
 */
function explainCall(
  part: Draft,
  walk: Walk,
  header: Type,
  requests: ReadonlyMap<number, Type | undefined>,
  bytes: Uint8Array,
): void {
  part.type = "call";
  const head: Draft = { name: "header", start: 0, end: 0, type: header.name, parts: [] };
  part.parts!.push(head);
  const isWhole = walk.all(head, header, bytes.length);
  const tag = head.parts!.find(({ name, hidden }) => name === "type" && hidden !== true);
  const at = lastEnd(head);
  if (!isWhole) return;
  if (tag === undefined) {
    if (at < bytes.length) {
      addLeaf(part, "response", "bytes", at, bytes.length, bytes.subarray(at));
    }
    return;
  }
  const type = requests.get(Number(tag.value));
  if (type === undefined) return;
  const body: Draft = { name: "request", start: at, end: at, type: type.name, parts: [] };
  walk.all(body, type, bytes.length);
  if (body.parts!.length > 0) part.parts!.push(body);
}

function addLeaf(
  parent: Draft,
  name: string,
  type: string,
  start: number,
  end: number,
  value: unknown,
  marks: Pick<Draft, "hidden" | "note"> = {},
): void {
  parent.parts!.push({ name, start, end, type, value, ...marks });
}

/** Ends the walk. */
function stop(): never {
  throw new Error("not a message");
}

class Walk {
  readonly #bytes: Uint8Array;
  readonly #details: Details;

  constructor(bytes: Uint8Array, details: Details) {
    this.#bytes = bytes;
    this.#details = details;
  }

  /** Adds the parts of a message, as far as they are valid; returns true if all are valid. */
  all(part: Draft, type: Type, end: number): boolean {
    try {
      this.#message(part, type, part.start, end, 1);
      return true;
    } catch {
      part.end = lastEnd(part);
      return false;
    }
  }

  #message(part: Draft, { fields }: Type, start: number, end: number, depth: number): void {
    const bytes = this.#bytes;
    if (end - start < 2) stop();
    const count = u16le(bytes, start);
    if (depth > this.#details.maxDepth || 2 * count > end - start - 2) stop();
    addLeaf(part, "records", "u16le", start, start + 2, count, { hidden: true });
    const behind: { readonly field: Field | undefined; readonly name: string }[] = [];
    const first = start + 2;
    const data = first + 2 * count;
    let tag = 0;
    for (let at = first; at < data; at += 2) {
      const record = u16le(bytes, at);
      if ((record & 1) !== 0) {
        tag += (record >> 1) + 1;
        const note = `to tag ${tag}`;
        addLeaf(part, "skip", "u16le", at, at + 2, record, { hidden: true, note });
        continue;
      }
      const field = fields.find((one) => one.tag === tag);
      const name = field?.name ?? `tag ${tag}`;
      tag++;
      if (record === 0) {
        addLeaf(part, name, "u16le", at, at + 2, 0, { hidden: true, note: "in the data" });
        behind.push({ field, name });
      } else {
        addLeaf(part, name, field?.kind ?? "integer", at, at + 2, inline(field, record));
        if (field !== undefined && !isInline(field)) stop();
      }
    }
    let at = data;
    for (const { field, name } of behind) at = this.#data(part, name, field, at, end, depth);
    part.end = at;
  }

  /** Adds a field with its length; returns its end. */
  #data(
    parent: Draft,
    name: string,
    field: Field | undefined,
    start: number,
    end: number,
    depth: number,
  ): number {
    if (end - start < 4) stop();
    const length = u32le(this.#bytes, start);
    const stopAt = start + 4 + length;
    if (stopAt > end) stop();
    const part: Draft = { name, start, end: start, type: nameOf(field), parts: [] };
    parent.parts!.push(part);
    try {
      addLeaf(part, "length", "u32le", start, start + 4, length, { hidden: true });
      this.#content(part, field, start + 4, stopAt, depth);
      if (lastEnd(part) !== stopAt) stop();
    } finally {
      part.end = lastEnd(part);
    }
    return stopAt;
  }

  #content(part: Draft, field: Field | undefined, start: number, end: number, depth: number): void {
    if (field === undefined) {
      addLeaf(part, "value", "bytes", start, end, this.#bytes.subarray(start, end));
    } else if (!field.array) {
      part.value = this.#one(part, "value", field, start, end, depth);
    } else part.value = this.#list(part, field, start, end, depth);
  }

  #one(
    part: Draft,
    name: string,
    field: Field,
    start: number,
    end: number,
    depth: number,
  ): unknown {
    if (field.kind === "struct") {
      this.#message(part, field.type!, start, end, depth + 1);
      return undefined;
    }
    const value = this.#scalar(field, start, end);
    if (start < end || name === "value") addLeaf(part, name, field.kind, start, end, value);
    return value;
  }

  #scalar(field: Field, start: number, end: number): unknown {
    const bytes = this.#bytes;
    const width = end - start;
    switch (field.kind) {
      case "integer":
        if (width !== 4 && width !== 8) stop();
        return decimal(field, width === 4 ? i32le(bytes, start) : small(i64le(bytes, start)));
      case "double":
        return width === 8 ? f64le(bytes, start) : stop();
      case "string":
        if (this.#details.strings === "utf8") return decodeUtf8(bytes, start, end);
        break;
      case "boolean":
        return stop();
    }
    return bytes.subarray(start, end);
  }

  #list(part: Draft, field: Field, start: number, end: number, depth: number): unknown[] {
    const list: unknown[] = [];
    const { kind } = field;
    let at = start;
    if (kind === "boolean") {
      for (; at < end; at++) {
        const value = this.#bytes[at] !== 0;
        addLeaf(part, `[${list.length}]`, kind, at, at + 1, value);
        list.push(value);
      }
    } else if (kind === "integer" || kind === "double") {
      if (at === end) return list;
      const width = this.#bytes[at]!;
      addLeaf(part, "width", "u8", at, at + 1, width, { hidden: true, note: "bytes of an item" });
      at++;
      if (at < end && ((width !== 4 && width !== 8) || (end - at) % width !== 0)) stop();
      for (; at < end; at += width) {
        list.push(this.#one(part, `[${list.length}]`, field, at, at + width, depth));
      }
    } else {
      while (at < end) {
        const item = { ...field, array: false };
        at = this.#data(part, `[${list.length}]`, item, at, end, depth);
        list.push(part.parts!.at(-1)!.value);
      }
    }
    return list;
  }
}

const nameOf = (field: Field | undefined): string => {
  if (field === undefined) return "bytes";
  const { kind, type, array } = field;
  return `${array ? "*" : ""}${type?.name ?? kind}`;
};

const isInline = ({ kind, array }: Field): boolean =>
  !array && (kind === "integer" || kind === "boolean");

function inline(field: Field | undefined, record: number): unknown {
  if (field?.kind === "boolean") return record !== 2;
  const n = (record >> 1) - 1;
  return field === undefined ? n : decimal(field, n);
}

const small = (n: bigint): number | bigint => (Number.isSafeInteger(Number(n)) ? Number(n) : n);

const decimal = ({ decimals }: Field, n: number | bigint): number | bigint =>
  decimals === undefined ? n : Number(n) / 10 ** decimals;
