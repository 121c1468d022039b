import type { Output } from "../core/index.ts";
import { type AnyNumber, type Cursor, type Erased, standing } from "./field.ts";
import { bytesText, malformed, shown, unencodable } from "./field-error.ts";
import type { NodeOf } from "./node.ts";

/** @throws RangeError unless it is a number of bytes or items */
export function checkLength(name: string, length: number): void {
  if (Number.isSafeInteger(length) && length >= 0) return;
  throw new RangeError(`${name}: the length must be an integer >= 0, not ${length}`);
}

/**
 * Checks that lengths can be written with this field.
 *
 * @throws TypeError unless it is an integer or a varint, or bits if those are allowed
 */
export function lengthField(field: AnyNumber, name: string, allowBits = false): Erased {
  const { kind } = field?.node ?? {};
  if (allowBits && kind === "bits") return field as never;
  if (kind === "int" || kind === "varint") return standing(field, name);
  throw new TypeError(`${name}: lengths need an integer field, not ${kind ?? typeof field}`);
}

/**
 * Reads a length in bytes and checks it against the window.
 *
 * @returns end of the field that it counts; `cursor.at` is its start
 */
export function readLength(
  prefix: Erased,
  bytes: Uint8Array,
  at: number,
  end: number,
  cursor: Cursor,
): number {
  const length = Number(prefix.read(bytes, at, end, cursor));
  const from = cursor.at;
  if (length >= 0 && length <= end - from) return from + length;
  // A negative length is reported in the same way, however many bytes are available.
  const left = length < 0 ? "" : `, ${end - from} left`;
  throw malformed(`${bytesText(length)} announced${left}`, at);
}

/** Writes a field after its length in bytes, which is known only afterwards. */
export function writeBehind(prefix: Erased, out: Output, write: () => void): void {
  const at = out.length;
  const { fixed } = prefix;
  if (fixed >= 0) out.reserve(fixed);
  write();
  if (fixed >= 0) patchNumber(prefix, out, at, out.length - at - fixed);
  else insertVarint(prefix, out, at, constantly(out.length - at));
}

const constantly = (n: number) => (): number => n;

/** Writes a number over the zeros that were reserved for it. */
export function patchNumber(base: Erased, out: Output, at: number, value: number | bigint): void {
  const { width, signed, endian, type } = base.node as NodeOf<"int">;
  if (value < 0 || (signed && value >= 2 ** (8 * width - 1))) {
    throw unencodable(`${type} cannot hold ${shown(value)}`);
  }
  out.patch(at, width, value, endian);
}

/**
 * Inserts a varint before bytes that are written.
 *
 * @param value - returns the number for a varint of this many bytes: it may count its own bytes
 * @returns its width
 */
export function insertVarint(
  base: Erased,
  out: Output,
  at: number,
  value: (width: number) => number,
): number {
  const { most } = base.node as NodeOf<"varint">;
  for (let width = 1; width <= most; width++) {
    let rest = value(width);
    if (rest < 0 || rest >= 2 ** (7 * width)) continue;
    out.insert(at, width);
    for (let i = 1; i <= width; i++, rest = Math.floor(rest / 128)) {
      out.patch(at + i - 1, 1, (rest % 128) + (i < width ? 128 : 0));
    }
    return width;
  }
  throw unencodable(`varint of ${most} bytes cannot hold ${value(most)}`);
}
