import type { Output } from "../core/index.ts";
import type { Cursor, Erased } from "./field.ts";
import type { Step } from "./plan.ts";

/**
 * Reads a member that no other one describes. Numbers whose bytes are available need no call of their field.
 */
export function readAlone(
  { field, inner, get, wanted, fixed }: Step,
  bytes: Uint8Array,
  at: number,
  end: number,
  cursor: Cursor,
): unknown {
  if (get === undefined || end - at < fixed) return inner.read(bytes, at, end, cursor);
  const value = get(bytes, at);
  // The field reports the error.
  if (wanted !== undefined && value !== wanted) return field.read(bytes, at, end, cursor);
  cursor.at = at + fixed;
  return value;
}

/** Reads a number; one of fixed size whose bytes are available needs no call of its field. */
export function readNumber(
  field: Erased,
  bytes: Uint8Array,
  at: number,
  end: number,
  cursor: Cursor,
): unknown {
  const { get, fixed } = field;
  if (get === undefined || end - at < fixed) return field.read(bytes, at, end, cursor);
  cursor.at = at + fixed;
  return get(bytes, at);
}

/** Writes a member that no other one describes. */
export function writeAlone({ inner, standIn }: Step, value: unknown, out: Output): void {
  inner.write(value === undefined ? standIn : value, out);
}
