import {
  type FrameLayout,
  type FramePart,
  type Framing,
  measureFrame,
  newScan,
  ProtocolError,
  resetScan,
  uint,
} from "../core/index.ts";
import type { Draft } from "./part.ts";

/** The position of a frame in the available bytes. */
export interface Extent {
  readonly from: number;
  /** May be beyond the available bytes; undefined if they do not determine it. */
  readonly to: number | undefined;
  /** Start of bytes that cannot be part of a frame. */
  readonly fault?: number | undefined;
}

/** Finds the frame like a splitter, after bytes that are skipped. */
export function extentOf(framing: Framing, bytes: Uint8Array, start: number, end: number): Extent {
  const scan = newScan();
  let from = start;
  try {
    while (from < end) {
      resetScan(scan);
      scan.ended = end - from < framing.maxFrame;
      const length = measureFrame(framing, bytes, from, end, scan);
      if (length >= 0) return { from, to: length > 0 ? from + length : undefined };
      from -= length;
    }
    return { from, to: undefined };
  } catch (error) {
    const place = error instanceof ProtocolError ? (error.offset ?? from) : from;
    return { from, to: undefined, fault: Math.max(from, Math.min(place, end)) };
  }
}

/** Explains a payload. */
type PayloadOf = (name: string, bytes: Uint8Array, start: number, end: number) => Draft;

/**
 * Explains a frame by the layout of its framing: parts before the last part of unknown size from the front,
 * parts after it from the end.
 *
 * @param payloadOf - explains the payload
 */
export function explainFrame(
  given: FrameLayout,
  payloadOf: PayloadOf | undefined,
  bytes: Uint8Array,
  { from, to, fault }: Extent,
  end: number,
): Draft[] {
  const layout = withoutEscaped(given);
  const stop = fault ?? Math.min(to ?? end, end);
  const parts: Draft[] = [];
  const add = (part: FramePart, start: number, last: number): void => {
    if (start > stop || (start === stop && part.kind !== "payload")) return;
    const own = Math.min(last, stop);
    parts.push(
      part.kind === "payload" && payloadOf !== undefined && part.escaped !== true
        ? payloadOf(part.name, bytes, start, own)
        : draftOf(part, bytes, start, own),
    );
    if (part.escaped !== true || part.kind !== "payload") return;
    const trailers = given.filter(({ kind }) => kind === "trailer");
    const payload = parts[parts.length - 1]!;
    payload.note = ["escaped", ...trailers.map(({ name }) => name)].join(", with ");
    // If the frame is cut off, an escape sequence may be cut too.
    if (to === undefined || own !== last) return;
    const unescaped = unescapedOf(part, bytes, start, own);
    if (unescaped === undefined) return;
    payload.unpacked = {
      bytes: unescaped,
      part: explainUnescaped(part, trailers, payloadOf, unescaped),
    };
  };
  const middle = layout.reduce((found, { size }, i) => (size === "rest" ? i : found), -1);
  let at = from;
  for (const [i, part] of (middle < 0 ? layout : layout.slice(0, middle)).entries()) {
    if (part.size !== "rest" && !isThere(part, bytes, at, stop)) continue;
    const size =
      part.size === "rest"
        ? sizeUpTo(layout[i + 1], bytes, at, stop)
        : sizeAt(part, bytes, at, stop);
    add(part, at, at + size);
    at += size;
  }
  if (fault !== undefined) return parts.filter((part) => part.end > part.start);
  let last = to ?? end;
  const behind: (() => void)[] = [];
  for (const part of to === undefined ? [] : layout.slice(middle + 1).reverse()) {
    if (middle < 0) break;
    const size = sizeBefore(part, bytes, at, last, end);
    if (size === undefined) continue;
    const place = last - size;
    behind.unshift(() => add(part, place, place + size));
    last = place;
  }
  const rest = layout[middle];
  if (rest !== undefined) add(rest, at, last);
  for (const one of behind) one();
  return parts;
}

/** The unescaped payload; undefined if the escapes are invalid. */
function unescapedOf(
  part: FramePart,
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array | undefined {
  try {
    return part.unescape?.(bytes, start, end);
  } catch {
    return undefined;
  }
}

/** Explains an escaped payload: the payload of the codec, and trailers that are escaped with it. */
function explainUnescaped(
  { name, kind }: FramePart,
  trailers: FrameLayout,
  payloadOf: PayloadOf | undefined,
  bytes: Uint8Array,
): Draft {
  const { length: end } = bytes;
  const layout: FrameLayout = [{ name, kind, size: "rest" }, ...trailers];
  const parts = explainFrame(layout, payloadOf, bytes, { from: 0, to: end }, end);
  const [only] = parts;
  if (parts.length === 1) return { ...only!, name: "unescaped" };
  return { name: "unescaped", start: 0, end, type: "bytes", parts };
}

/** Trailers that are escaped together with the payload cannot be separated from it. */
function withoutEscaped(layout: FrameLayout): FrameLayout {
  if (!layout.some(({ escaped }) => escaped)) return layout;
  return layout.filter(({ kind }) => kind !== "trailer");
}

/** Number of bytes before the first mark of the next part. */
function sizeUpTo(next: FramePart | undefined, bytes: Uint8Array, at: number, end: number): number {
  const mark = next?.bytes;
  if (mark === undefined) return end - at;
  let stop = at;
  while (stop + mark.length <= end && !isAt(bytes, stop, end, mark)) stop++;
  return stop + mark.length <= end ? stop - at : end - at;
}

/** Size of a part that begins at `at`, in bytes. */
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

/**
 * Size of a part that ends at `end`, in bytes. `end` may be beyond the available bytes; undefined if the
 * part is missing.
 */
function sizeBefore(
  part: FramePart,
  bytes: Uint8Array,
  at: number,
  end: number,
  have: number,
): number | undefined {
  const { size, kind } = part;
  const marks = part.oneOf ?? (part.bytes === undefined ? undefined : [part.bytes]);
  if (marks !== undefined && kind === "delimiter" && end <= have) {
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

function draftOf(part: FramePart, bytes: Uint8Array, at: number, end: number): Draft {
  const { name, kind, bytes: always, escaped, endian } = part;
  const own = bytes.subarray(at, end);
  const draft: Draft = { name, start: at, end, type: typeOf(part, end - at), value: own };
  if (kind !== "payload") draft.hidden = true;
  const isNumber = kind === "length" || (endian !== undefined && own.length > 0);
  if (isNumber) {
    const value = numberIn(part, own);
    if (value !== undefined) draft.value = value;
    const note = kind === "length" ? noteOf(part) : undefined;
    draft.note = value === undefined ? "cut off" : note;
  } else if (escaped === true) draft.note = "escaped";
  else if (always !== undefined || part.oneOf !== undefined) draft.note = "always";
  if (draft.note === undefined) delete draft.note;
  return draft;
}

function typeOf({ kind, size, endian, digits }: FramePart, width: number): string {
  if (kind !== "length" && endian === undefined) return "bytes";
  if (typeof size !== "number") return size;
  if (digits === true) return "digits";
  return `u${8 * width}${width > 1 ? (endian ?? "be") : ""}`;
}

function numberIn(
  { size, digits, endian }: FramePart,
  own: Uint8Array,
): number | bigint | undefined {
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
  const value = ordered.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

function noteOf({ add = 0, size }: FramePart): string {
  const own = typeof size === "number" ? 0 : size;
  if (add === 0 && own === 0) return "bytes of the frame";
  return own === 0 ? `frame length minus ${add}` : "bytes that follow";
}
