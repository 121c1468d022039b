import { uint } from "../core/index.ts";
import {
  type AnyField,
  announcedBytes,
  bitsIn,
  type Cursor,
  caseOf,
  type Erased,
  type FieldNode,
  isPresent,
  leftOver,
  type NodeOf,
  padding,
  type Range,
  type Step,
  sumOf,
  withHex,
} from "../fields/index.ts";
import { describerNote } from "./describer-note.ts";
import { lastEnd } from "./last-end.ts";
import type { Draft } from "./part.ts";
import { typeName } from "./type-name.ts";

/*
 * Walks through a description and the bytes in parallel. It only finds positions: the value of a leaf is
 * read by the leaf itself, and only `decode` decides if everything is valid. A failure ends the walk, and
 * the parts found so far are kept.
 */

/** Ends the walk. */
function stop(): never {
  throw leftOver(0, 0);
}

/** Explains the field at `start` into `part`: sets its end, value and parts. */
export function explainField(
  field: AnyField,
  part: Draft,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  new Walk(bytes).field(field, part, start, end);
}

class Walk {
  readonly #bytes: Uint8Array;
  readonly #cursor: Cursor = { at: 0 };
  /** Nesting depth of each field that contains itself. */
  readonly #levels = new Map<FieldNode, number>();

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Adds a part and fills it with `explain`; removes it if it is empty when that fails. */
  #add(parent: Draft, part: Omit<Draft, "end">, explain: (part: Draft) => void): Draft {
    const draft: Draft = { ...part, end: part.start };
    parent.parts ??= [];
    parent.parts.push(draft);
    try {
      explain(draft);
    } catch (error) {
      if (draft.parts === undefined) parent.parts.pop();
      else draft.end = lastEnd(draft);
      throw error;
    }
    parent.end = Math.max(parent.end, draft.end);
    return draft;
  }

  #child(parent: Draft, name: string, field: AnyField, at: number, end: number): Draft {
    const part = { name, start: at, type: typeName(field), ...marks(field) };
    return this.#add(parent, part, (draft) => this.field(field, draft, at, end));
  }

  field(field: AnyField, part: Draft, at: number, end: number): void {
    const { node } = field;
    switch (node.kind) {
      case "struct":
        this.#struct(node, part, at, end);
        break;
      case "envelope":
        this.field(node.inner, part, at, end);
        part.value = (part.value as Readonly<Record<string, unknown>>)[node.name];
        break;
      case "default":
        this.field(node.inner, part, at, end);
        break;
      case "lazy":
        this.#deeper(node, () => this.field(node.get(), part, at, end));
        break;
      case "checked":
      case "mapped":
        this.field(node.inner, part, at, end);
        part.value = (field as Erased).read(this.#bytes, at, end, this.#cursor);
        if (node.kind === "mapped") part.note = node.name;
        break;
      case "optional":
        if (at < end) this.field(node.inner, part, at, end);
        break;
      case "prefixed":
        this.#prefixed(node, part, at, end);
        break;
      case "array":
        this.#array(node, part, at, end);
        break;
      case "until":
        this.#until(node, part, at, end);
        break;
      case "union":
        this.#union(node, part, at, end);
        break;
      case "bytes":
      case "text":
        if (typeof node.length === "object") this.#behind(node.length, field, part, at, end);
        else this.#leaf(field, part, at, end);
        break;
      default:
        this.#leaf(field, part, at, end);
    }
  }

  #deeper(node: NodeOf<"lazy">, explain: () => void): void {
    const level = this.#levels.get(node) ?? 0;
    if (level >= node.depth) stop();
    this.#levels.set(node, level + 1);
    explain();
    this.#levels.set(node, level);
  }

  #prefixed({ prefix, inner }: NodeOf<"prefixed">, part: Draft, at: number, end: number): void {
    const length = this.#length(prefix, part, at, end, "bytes that follow");
    const to = this.#window(length, end);
    const body = this.#child(part, "body", inner, length.end, to);
    this.#use(body.end, to);
    part.value = body.value;
  }

  #leaf(field: AnyField, part: Draft, at: number, end: number): void {
    const { node } = field;
    const value = (field as Erased).read(this.#bytes, at, end, this.#cursor);
    const stop = this.#cursor.at;
    part.end = stop;
    part.value = value;
    if (node.kind === "constant") part.value = node.value;
    else if (["magic", "pad", "ignored"].includes(node.kind)) {
      part.value = this.#bytes.subarray(at, stop);
    } else if (node.kind === "enum") part.note = String(this.#number(node.base, at, end));
  }

  #number(base: AnyField, at: number, end: number): unknown {
    return (base as Erased).read(this.#bytes, at, end, this.#cursor);
  }

  #length(base: AnyField, part: Draft, at: number, end: number, note: string): Draft {
    const type = typeName(base);
    const draft = { name: "length", start: at, type, hidden: true, note };
    return this.#add(part, draft, (length) => this.#leaf(base, length, at, end));
  }

  /** End of the range that a length defines. */
  #window({ end: from, value }: Draft, end: number): number {
    const length = Number(value);
    return length >= 0 && length <= end - from ? from + length : stop();
  }

  #use(at: number, end: number): void {
    if (at !== end) throw leftOver(at, end);
  }

  /** Bytes or text after a length. */
  #behind(prefix: AnyField, field: AnyField, part: Draft, at: number, end: number): void {
    const length = this.#length(prefix, part, at, end, "bytes that follow");
    const to = this.#window(length, end);
    const body = { name: "body", start: length.end, type: typeName(field) };
    this.#add(part, body, (draft) => {
      draft.value = (field as Erased).read(this.#bytes, at, to, this.#cursor);
      draft.end = to;
      part.value = draft.value;
    });
  }

  #array({ item, length }: NodeOf<"array">, part: Draft, at: number, end: number): void {
    if (typeof length === "object") {
      const count = this.#length(length, part, at, end, "items");
      this.#items(item, Number(count.value), part, count.end, end);
    } else this.#items(item, length, part, at, end);
  }

  #items(item: AnyField, count: number | undefined, part: Draft, at: number, end: number): void {
    const list: unknown[] = [];
    let place = at;
    if (count !== undefined && count * item.least > end - at) stop();
    part.parts ??= [];
    while (count === undefined ? place < end : list.length < count) {
      const one = this.#child(part, `[${list.length}]`, item, place, end);
      list.push(one.value);
      place = one.end;
    }
    part.end = place;
    part.value = list;
  }

  #until({ item, last }: NodeOf<"until">, part: Draft, at: number, end: number): void {
    const list: unknown[] = [];
    let place = at;
    for (;;) {
      const one = this.#child(part, `[${list.length}]`, item, place, end);
      place = one.end;
      if (one.value === last) {
        Object.assign(one, { hidden: true, note: "the end of the list" });
        part.value = list;
        return;
      }
      list.push(one.value);
    }
  }

  #union({ tag, base, cases }: NodeOf<"union">, part: Draft, at: number, end: number): void {
    const head = this.#child(part, tag, base, at, end);
    const found = cases.find(({ name }) => name === head.value);
    if (found === undefined) throw leftOver(head.end, end);
    this.field(found.body, part, head.end, end);
  }

  #struct({ plan }: NodeOf<"struct">, part: Draft, start: number, limit: number): void {
    const { steps, sums } = plan;
    const value: Record<string, unknown> = {};
    const seen: unknown[] = [];
    const places: number[] = [];
    const ends: number[] = [];
    const made: Draft[] = [];
    let at = start;
    let end = limit;
    const narrow = (range: Range, from: number): void => {
      const to = from + announcedBytes(range, seen[range.slot]);
      if (!(to >= at && to <= end)) stop();
      ends.push(end);
      end = to;
    };
    part.parts ??= [];
    for (const [i, step] of steps.entries()) {
      places.push(at);
      for (const range of step.opens) narrow(range, at);
      const window = step.trailing > 0 ? Math.max(at, end - step.trailing) : end;
      if (step.kind === "bits") {
        this.#bits(step, part, at, window, seen, value);
        at += step.fixed;
      } else if (step.field.node.kind === "tag") {
        value[step.name] = step.field.node.value;
      } else if (step.kind === "maybe" && !isPresent(seen[step.by])) {
        value[step.name] = undefined;
      } else {
        const draft = this.#step(step, part, at, window, start, seen);
        made[i] = draft;
        at = draft.end;
        if (step.slot >= 0) seen[step.slot] = draft.value;
        if (!step.hidden) value[step.name] = draft.value;
      }
      for (const range of step.starts) narrow(range, range.origin === "whole" ? start : at);
      for (const _ of step.closes) {
        this.#use(at, end);
        end = ends.pop()!;
      }
    }
    for (const { step, node, from, to } of sums) {
      const place = places[step]!;
      const { fixed } = node.base;
      const sum = sumOf(node, this.#bytes, places[from] ?? at, places[to + 1] ?? at, place, fixed);
      const draft = made[step]!;
      draft.note =
        sum === draft.value ? `${node.name}, correct` : `${node.name}, expected ${withHex(sum)}`;
    }
    part.end = at;
    part.value = value;
  }

  /** A member that does not share bytes with others. */
  #step(
    { kind, field, name, by }: Step,
    part: Draft,
    at: number,
    end: number,
    start: number,
    seen: readonly unknown[],
  ): Draft {
    const base = { name, start: at, ...marks(field) };
    switch (kind) {
      case "maybe":
        return this.#child(part, name, (field.node as NodeOf<"optional">).inner, at, end);
      case "match": {
        const chosen = caseOf(field.node as NodeOf<"match">, seen[by]);
        return chosen === undefined ? stop() : this.#child(part, name, chosen, at, end);
      }
      case "items": {
        const { item } = listNode(field);
        return this.#add(part, { ...base, type: "array" }, (draft) =>
          this.#items(item, Number(seen[by]), draft, at, end),
        );
      }
      case "align": {
        const width = padding(at - start, (field.node as NodeOf<"align">).to);
        if (end - at < width) stop();
        return this.#add(part, { ...base, type: "bytes" }, (draft) => {
          draft.end = at + width;
          draft.value = this.#bytes.subarray(at, at + width);
        });
      }
      default:
        return this.#child(part, name, field, at, end);
    }
  }

  /** Members that share bytes: either all of them are listed, or none. */
  #bits(
    { fixed, members, endian }: Step,
    part: Draft,
    at: number,
    end: number,
    seen: unknown[],
    value: Record<string, unknown>,
  ): void {
    if (end - at < fixed) stop();
    const n = uint(this.#bytes, at, fixed, endian);
    const drafts = members.map((member): Draft => {
      const { name, field, hidden, slot, shift } = member;
      const raw = bitsIn(n, member);
      const meaning = field.fromBits!(raw, at);
      if (slot >= 0) seen[slot] = meaning ?? raw;
      if (!hidden) value[name] = meaning;
      const { node } = field;
      const shown = node.kind === "constant" ? node.value : (meaning ?? raw);
      const note = node.kind === "enum" ? { note: String(raw) } : {};
      // In little-endian order the first member starts at the low end of the first byte.
      const first = endian === "be" ? 8 * fixed - shift - field.bits : shift;
      const last = first + field.bits;
      return {
        name,
        start: at + Math.floor(first / 8),
        end: at + Math.ceil(last / 8),
        type: typeName(field),
        value: shown,
        bits: { first: first % 8, count: field.bits, ...(endian === "le" && { low: true }) },
        ...marks(field),
        ...note,
      };
    });
    part.parts ??= [];
    part.parts.push(...drafts);
    part.end = at + fixed;
  }
}

function listNode({ node }: AnyField): NodeOf<"array"> {
  return node.kind === "default" ? listNode(node.inner) : (node as NodeOf<"array">);
}

/** Properties of a member that are known before it is read. */
function marks(field: AnyField): Pick<Draft, "hidden" | "note"> {
  const note = noteOf(field.node);
  return {
    ...((field as Erased).hidden && { hidden: true }),
    ...(note !== undefined && { note }),
  };
}

function noteOf(node: FieldNode): string | undefined {
  switch (node.kind) {
    case "magic":
      return "always";
    case "pad":
    case "align":
      return "padding";
    default:
      return describerNote(node);
  }
}
