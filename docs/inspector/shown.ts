import { valueText } from "../../src/core/index.ts";
import type { Part } from "../../src/inspect/index.ts";

/** Most characters of a value on a line. */
const MOST = 60;

/** Characters that cannot be seen, or turn around what is beside them. */
const INVISIBLE = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Text from the wire, as it can be shown: with escapes for what cannot be seen. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, escaped);
}

/** The same for text of several lines. */
export function visibleLines(text: string): string {
  return text.replace(INVISIBLE, (char) => (char === "\n" ? char : escaped(char)));
}

/** A name, which may come from the wire: a key of JSON. */
export function shownName(name: string): string {
  return visible(name.length > MOST ? `${name.slice(0, MOST)}...` : name);
}

/** A value on one line, and the note. */
export function shownValue({ value, parts, note }: Part): string {
  const text = parts !== undefined && parts.length > 0 ? sizeOf(value) : short(value);
  return `${text}${note === undefined ? "" : `${text === "" ? "" : " "}(${visible(note)})`}`;
}

/** Values with parts are shown by these. */
function sizeOf(value: unknown): string {
  if (Array.isArray(value)) return `${value.length} item${value.length === 1 ? "" : "s"}`;
  return typeof value === "object" ? "" : short(value);
}

function short(value: unknown): string {
  if (value === undefined) return "";
  if (value instanceof Uint8Array) return shownBytes(value);
  if (typeof value === "string") {
    const cut = value.length > MOST ? `${value.slice(0, MOST)}...` : value;
    return visible(JSON.stringify(cut));
  }
  if (typeof value === "bigint") return String(value);
  const text = visible(valueText(value));
  return text.length > MOST ? `${text.slice(0, MOST)}...` : text;
}

function shownBytes(bytes: Uint8Array): string {
  const { length } = bytes;
  const size = `${length} byte${length === 1 ? "" : "s"}`;
  const head = bytes.subarray(0, MOST);
  const isText = length > 0 && head.every((byte) => byte >= 0x20 && byte < 0x7f);
  if (!isText) return size;
  const text = String.fromCharCode(...head);
  return `${size} ${JSON.stringify(length > MOST ? `${text}...` : text)}`;
}

/** A place in hex. */
export function address(at: number, width = 4): string {
  return at.toString(16).padStart(width, "0");
}

/** Where a part is: `0010 to 0013`, or one byte. */
export function placeOf(start: number, end: number): string {
  if (end <= start) return `${address(start)}, no bytes`;
  return end - start === 1 ? address(start) : `${address(start)} to ${address(end - 1)}`;
}
