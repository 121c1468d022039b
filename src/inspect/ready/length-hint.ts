import {
  decodeValues,
  hexOf,
  indexOfByte,
  measureWhole,
  newScan,
  Output,
  type Protocol,
} from "../../core/index.ts";
import { type AnyField, bytesText, erased, type FieldNode, planOf } from "../../fields/index.ts";
import type { AnyProtocol } from "./named-protocol.ts";

/*
 * A wrong length shows in the wrong place: in a checksum, or in the first bytes of the next frame. If all
 * frames begin with the same bytes, a mark, the place where one really begins tells how wrong a length is.
 */

/** The beginning that all frames of a protocol share. */
interface Head {
  /** At least one byte. */
  readonly mark: Uint8Array;
  /** Position of the length in the frame, if it is known. */
  readonly length: { readonly at: number; readonly size: number } | undefined;
}

/** Most marks that are looked at for one hint. */
const MOST = 100;

/**
 * Explains an error by a wrong length of this frame or of the one before it; undefined if nothing points to
 * one.
 *
 * @param bytes - the stream, from its beginning
 * @param start - start of the bad frame
 * @param before - start of the frame before it
 */
export function lengthHint(
  protocol: AnyProtocol,
  bytes: Uint8Array,
  start: number,
  before: number | undefined,
): string | undefined {
  const head = headOf(protocol);
  if (head === undefined) return undefined;
  const { mark } = head;
  const stream = protocol as Protocol<unknown, unknown>;
  const shown = hexOf(mark);
  if (!isMarked(bytes, start, mark)) {
    const inside = before === undefined ? undefined : next(stream, mark, bytes, before + 1, start);
    if (inside !== undefined) {
      const by = bytesText(start - inside);
      return `the mark ${shown} occurs at ${place(inside)}, inside the frame before: ${lengthText(head, before!)} may be ${by} too large`;
    }
    const later = next(stream, mark, bytes, start + 1);
    if (later === undefined || isDamaged(stream, mark, bytes, start, later)) return undefined;
    const by = bytesText(later - start);
    const fault =
      before === undefined
        ? `the ${by} before it are not a frame`
        : `the frame before may be longer: ${lengthText(head, before)} may be ${by} too small`;
    return `the mark ${shown} comes ${by} later, at ${place(later)}: ${fault}`;
  }
  const found = next(stream, mark, bytes, start + 1);
  if (found === undefined) return undefined;
  const end = endOf(stream, bytes, start);
  const again = `the mark ${shown} occurs again at ${place(found)}`;
  if (end === undefined) return `${again}: this frame may have ${bytesText(found - start)}`;
  if (found < end) {
    return `${again}, inside this frame: ${lengthText(head, start)} may be ${bytesText(end - found)} too large`;
  }
  if (found === end || isMarked(bytes, end, mark)) return undefined;
  const by = bytesText(found - end);
  return `the next mark ${shown} comes ${by} after this frame, at ${place(found)}: ${lengthText(head, start)} may be ${by} too small`;
}

/** True if all frames of a protocol begin with the same bytes, and do not depend on those before them. */
export const hasMark = (protocol: AnyProtocol): boolean => headOf(protocol) !== undefined;

/**
 * Finds the next whole and valid frame that begins with the mark of the protocol; undefined if there is
 * none, or no mark.
 */
export function nextFrame(
  protocol: AnyProtocol,
  bytes: Uint8Array,
  from: number,
): number | undefined {
  const head = headOf(protocol);
  if (head === undefined) return undefined;
  for (let at = from; ; at++) {
    at = markAt(bytes, head.mark, at);
    if (at < 0) return undefined;
    if (wholeFrame(protocol as Protocol<unknown, unknown>, bytes, at) > 0) return at;
  }
}

/** The same, but another frame or the end must follow, so that a mark in a payload is rarely taken for one. */
function next(
  protocol: Protocol<unknown, unknown>,
  mark: Uint8Array,
  bytes: Uint8Array,
  from: number,
  until: number = bytes.length,
): number | undefined {
  let at = from;
  for (let tries = 0; tries < MOST; tries++, at++) {
    at = markAt(bytes, mark, at);
    if (at < 0 || at >= until) return undefined;
    const length = wholeFrame(protocol, bytes, at);
    if (length > 0 && isMarked(bytes, at + length, mark)) return at;
  }
  return undefined;
}

/** True if the only fault is in the mark itself: with a good one, the frame ends where the next one begins. */
function isDamaged(
  protocol: Protocol<unknown, unknown>,
  mark: Uint8Array,
  bytes: Uint8Array,
  start: number,
  later: number,
): boolean {
  const mended = bytes.slice(start, later);
  if (mended.length < mark.length) return false;
  mended.set(mark);
  return wholeFrame(protocol, mended, 0) === mended.length;
}

/** Length of the frame at `at`, or 0 if it is not whole and valid. */
function wholeFrame(protocol: Protocol<unknown, unknown>, bytes: Uint8Array, at: number): number {
  try {
    const length = measureWhole(protocol, bytes, at, bytes.length, newScan());
    if (length <= 0) return 0;
    decodeValues(protocol, bytes, at, at + length);
    return length;
  } catch {
    return 0;
  }
}

/** End of the frame by its own length, which may exceed all limits. */
function endOf(
  protocol: Protocol<unknown, unknown>,
  bytes: Uint8Array,
  start: number,
): number | undefined {
  const shown = Math.min(bytes.length, start + protocol.maxFrame);
  try {
    const length = protocol.measure(bytes, start, shown, newScan());
    return length > 0 ? start + length : undefined;
  } catch {
    return undefined;
  }
}

/** Only of a protocol for streams whose frames do not depend on those before them. */
function headOf(protocol: AnyProtocol): Head | undefined {
  const { measure, perConnection, layout, field } = protocol as Partial<
    Protocol<unknown, unknown> & { readonly field: AnyField }
  >;
  if (measure === undefined || perConnection !== undefined) return undefined;
  const mark = new Output();
  let at = 0;
  let length: Head["length"];
  if (field !== undefined) {
    const { steps = [], ranges = [] } = planOf(field) ?? {};
    for (const { field: member, offset } of steps) {
      if (!isConstant(member.node) || offset !== mark.length) break;
      erased(member).write(undefined, mark);
    }
    const range = ranges.find(({ origin }) => origin !== "fields") ?? ranges[0];
    const step = range?.member === undefined ? steps[range?.step ?? -1] : undefined;
    if (step !== undefined && step.offset >= 0 && step.fixed > 0) {
      length = { at: step.offset, size: step.fixed };
    }
  } else {
    for (const { kind, size, bytes } of layout ?? []) {
      if (typeof size !== "number") break;
      if (bytes !== undefined && mark.length === at) mark.bytes(bytes);
      if (kind === "length") length ??= { at, size };
      at += size;
    }
  }
  return mark.length === 0 ? undefined : { mark: mark.take(), length };
}

const isConstant = ({ kind }: FieldNode): boolean => kind === "constant" || kind === "magic";

/** Index of the next mark, or -1. */
function markAt(bytes: Uint8Array, mark: Uint8Array, from: number): number {
  for (let at = from; ; at++) {
    at = indexOfByte(bytes, mark[0]!, at, bytes.length);
    if (at < 0 || at + mark.length > bytes.length) return -1;
    if (isMarked(bytes, at, mark)) return at;
  }
}

/** True if the bytes at `at` begin with the mark; also if they end within it. */
function isMarked(bytes: Uint8Array, at: number, mark: Uint8Array): boolean {
  return mark.every((byte, i) => at + i >= bytes.length || bytes[at + i] === byte);
}

function lengthText({ length }: Head, start: number): string {
  if (length === undefined) return "its length";
  return `its length (at ${place(start + length.at)}, ${bytesText(length.size)})`;
}

const place = (at: number): string => `0x${at.toString(16)}`;
