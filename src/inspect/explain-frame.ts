import { type FrameLayout, type FramePart, uint } from "../core/index.ts";
import type { AnyField } from "../fields/index.ts";
import { explainWith } from "./explain-with.ts";
import type { Draft } from "./part.ts";

/** Explains a frame by the layout of its framing: parts before the payload from the front, those after it from the end. */
export function explainFrame(
  layout: FrameLayout,
  payload: AnyField | undefined,
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): Draft {
  const root: Draft = { name, start, end, type: "frame", parts: [] };
  const middle = layout.findIndex(({ size }) => size === "rest");
  const front = middle < 0 ? layout : layout.slice(0, middle);
  const back = middle < 0 ? [] : layout.slice(middle + 1);
  let at = start;
  for (const part of front) {
    const stop = Math.min(end, at + sizeAt(part, bytes, at, end));
    if (isThere(part, bytes, at, stop)) {
      root.parts!.push(draftOf(part, payload, bytes, at, stop));
      at = stop;
    }
  }
  const behind: Draft[] = [];
  let to = end;
  for (const part of [...back].reverse()) {
    const size = sizeBefore(part, bytes, at, to);
    if (size === undefined) continue;
    behind.unshift(draftOf(part, payload, bytes, to - size, to));
    to -= size;
  }
  const rest = layout[middle];
  if (rest !== undefined && at <= to) root.parts!.push(draftOf(rest, payload, bytes, at, to));
  root.parts!.push(...behind);
  for (const part of root.parts!) {
    if (part.error === undefined) continue;
    root.error = part.error;
    delete part.error;
  }
  return root;
}

/** Bytes of a part that begins at `at`. */
function sizeAt(
  { size, oneOf, bytes: always }: FramePart,
  bytes: Uint8Array,
  at: number,
  end: number,
): number {
  let stop = at;
  if (size === "varint") {
    while (stop < end && bytes[stop]! > 0x7f) stop++;
    return stop + 1 - at;
  }
  if (size === "digits") {
    while (stop < end && bytes[stop]! >= 0x30 && bytes[stop]! <= 0x39) stop++;
    return stop - at;
  }
  if (oneOf !== undefined) return longest(oneOf, (one) => isAt(bytes, at, end, one)) ?? 0;
  return always?.length ?? (size as number);
}

/** A mark that two frames share may be missing. */
const isThere = (
  { kind, bytes: always }: FramePart,
  bytes: Uint8Array,
  at: number,
  end: number,
): boolean =>
  end > at && (kind !== "delimiter" || always === undefined || isAt(bytes, at, end, always));

/** Bytes of a part that ends at `end`; undefined if it is not there. */
function sizeBefore(
  part: FramePart,
  bytes: Uint8Array,
  at: number,
  end: number,
): number | undefined {
  const { size, kind } = part;
  const marks = part.oneOf ?? (part.bytes === undefined ? undefined : [part.bytes]);
  if (marks !== undefined && kind === "delimiter") {
    return longest(
      marks,
      (one) => end - one.length >= at && isAt(bytes, end - one.length, end, one),
    );
  }
  return typeof size === "number" && end - at >= size ? size : undefined;
}

function longest(
  marks: readonly Uint8Array[],
  fits: (mark: Uint8Array) => boolean,
): number | undefined {
  const lengths = marks.filter(fits).map(({ length }) => length);
  return lengths.length === 0 ? undefined : Math.max(...lengths);
}

const isAt = (bytes: Uint8Array, at: number, end: number, mark: Uint8Array): boolean =>
  end - at >= mark.length && mark.every((byte, i) => bytes[at + i] === byte);

function draftOf(
  part: FramePart,
  payload: AnyField | undefined,
  bytes: Uint8Array,
  at: number,
  end: number,
): Draft {
  const { name, kind, bytes: always, escaped } = part;
  if (kind === "payload" && payload !== undefined && escaped !== true) {
    return explainWith(payload, name, bytes, at, end);
  }
  const own = bytes.subarray(at, end);
  const draft: Draft = { name, start: at, end, type: typeOf(part, end - at), value: own };
  if (kind !== "payload") draft.hidden = true;
  if (kind === "length") {
    const value = lengthIn(part, own);
    if (value !== undefined) draft.value = value;
    draft.note = value === undefined ? "cut off" : noteOf(part);
  } else if (escaped === true) draft.note = "escaped";
  else if (always !== undefined || part.oneOf !== undefined) draft.note = "always";
  return draft;
}

function typeOf({ kind, size, endian = "be", digits }: FramePart, width: number): string {
  if (kind !== "length") return "bytes";
  if (typeof size !== "number") return size;
  if (digits === true) return "digits";
  return `u${8 * width}${width > 1 ? endian : ""}`;
}

function lengthIn({ size, digits, endian }: FramePart, own: Uint8Array): number | undefined {
  if (size === "digits" || digits === true) {
    const text = String.fromCharCode(...own);
    return /^[0-9]+$/.test(text) ? Number(text) : undefined;
  }
  if (size === "varint") {
    if (own.length === 0 || own[own.length - 1]! > 0x7f) return undefined;
    return own.reduceRight((value, byte) => value * 128 + (byte & 0x7f), 0);
  }
  if (own.length !== size) return undefined;
  if (size <= 6) return uint(own, 0, size, endian);
  const ordered = endian === "le" ? own.slice().reverse() : own;
  return ordered.reduce((value, byte) => value * 256 + byte, 0);
}

function noteOf({ add = 0, size }: FramePart): string {
  const own = typeof size === "number" ? 0 : size;
  if (add === 0 && own === 0) return "bytes of the frame";
  return own === 0 ? `plus ${add} are the bytes of the frame` : "bytes that follow";
}
