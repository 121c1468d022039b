import { int, uint } from "../../core/index.ts";
import type { Draft } from "../part.ts";

/**
 * A field at a fixed position: its name, its type (`u8`, `i16be`, `u32le`, `bool`), and how it is shown.
 */
export type HeaderField = readonly [
  name: string,
  type: string,
  marks?: Pick<Draft, "hidden" | "note">,
];

/**
 * Adds consecutive numbers.
 *
 * @returns the end of the last number; undefined if some bytes are missing
 */
export function addHeader(
  parent: Draft,
  fields: readonly HeaderField[],
  bytes: Uint8Array,
  start: number,
  end: number,
): number | undefined {
  let at = start;
  parent.parts ??= [];
  for (const [name, type, marks] of fields) {
    const size = sizeOf(type);
    if (end - at < size) return undefined;
    const read = type.startsWith("i") ? int : uint;
    const number = read(bytes, at, size, type.endsWith("le") ? "le" : "be");
    const value = type === "bool" ? number !== 0 : number;
    parent.parts.push({ name, start: at, end: at + size, type, value, ...marks });
    at += size;
    parent.end = at;
  }
  return at;
}

/** Size of a type in bytes. */
export const sizeOf = (type: string): number =>
  type === "bool" ? 1 : Number(/\d+/.exec(type)![0]) / 8;

/** Adds bytes without further parts. */
export function addBytes(
  parent: Draft,
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
  marks: Partial<Draft> = {},
): Draft {
  const part: Draft = {
    name,
    start,
    end,
    type: "bytes",
    value: bytes.subarray(start, end),
    ...marks,
  };
  parent.parts ??= [];
  parent.parts.push(part);
  parent.end = Math.max(parent.end, end);
  return part;
}

/** The value of a field that was added. */
export const valueIn = ({ parts }: Draft, field: string): number =>
  parts?.find(({ name }) => name === field)?.value as number;
