import { checkInteger, checkOptions } from "../core/index.ts";
import type { Part, PartBits } from "./part.ts";

/** Options for {@link hexView} and {@link htmlView}. */
export interface HexViewOptions {
  /**
   * Number of bytes per line.
   * @defaultValue 8
   */
  readonly columns?: number | undefined;
  /**
   * Maximum number of lines for one field; further bytes are only counted.
   * @defaultValue 4
   */
  readonly lines?: number | undefined;
  /**
   * Position of the first byte of `bytes` in its stream or file; added to all addresses.
   * @defaultValue 0
   */
  readonly offset?: number | undefined;
}

/** A line of a view. */
export interface Row {
  /** Address of the first byte; empty on a line that counts further bytes. */
  readonly at: string;
  readonly bytes: string;
  readonly name: string;
  readonly type: string;
  readonly text: string;
  readonly depth: number;
  /** The part that this line shows: its first line, or a later one. */
  readonly part: Part;
  readonly isFirst: boolean;
  /** Names from the outermost part on: `items[3].name`. */
  readonly path: string;
  /** True for bytes that were unpacked from others. */
  readonly isUnpacked: boolean;
}

/** All lines, and the text of the error. */
export interface View {
  readonly rows: readonly Row[];
  readonly error: string | undefined;
}

/**
 * @param caller - name of the calling function, for errors
 * @throws RangeError unless the options are integers of at least 1, or 0 for `offset`
 */
export function viewOf(
  caller: string,
  part: Part,
  bytes: Uint8Array,
  options: HexViewOptions,
): View {
  checkOptions(caller, options, ["columns", "lines", "offset"]);
  const { columns = 8, lines = 4, offset = 0 } = options;
  checkInteger(`${caller}: columns`, columns, 1);
  checkInteger(`${caller}: lines`, lines, 1);
  checkInteger(`${caller}: offset`, offset, 0);
  const rows: Row[] = [];
  const width = Math.max(4, (offset + part.end).toString(16).length);
  const hexOf = (at: number): string => at.toString(16).padStart(width, "0");

  const visit = (one: Part, depth: number, path: string, from: Uint8Array, mark: string): void => {
    const { parts, bits, start, end, unpacked } = one;
    const text = `${shownValue(one)}${one.note === undefined ? "" : `  (${one.note})`}`.trim();
    const isTree = parts !== undefined && parts.length > 0;
    // Unpacked bytes have positions of their own.
    const address = (at: number): string => mark + hexOf(mark === "" ? offset + at : at);
    const common = { depth, part: one, path, isUnpacked: mark !== "" };
    const inside = (deeper: number): void => {
      for (const inner of parts ?? []) visit(inner, deeper, joined(path, inner), from, mark);
    };
    if (isTree && one.name === "" && depth === 0) {
      inside(0);
      return;
    }
    const head = {
      ...common,
      at: address(start),
      name: shownName(one.name),
      type: one.type,
      text,
      isFirst: true,
    };
    if (isTree) {
      rows.push({ ...head, bytes: "" });
      inside(depth + 1);
    } else if (bits !== undefined) rows.push({ ...head, bytes: bitText(from, one, bits) });
    else {
      rows.push({ ...head, bytes: hex(from, start, Math.min(end, start + columns)) });
      // The bytes that do not fit on the first line.
      for (let at = start + columns, line = 1; at < end; at += columns, line++) {
        const row = { ...common, name: "", type: "", text: "", isFirst: false };
        if (line >= lines) {
          rows.push({ ...row, at: "", bytes: `... ${end - at} more` });
          break;
        }
        rows.push({ ...row, at: address(at), bytes: hex(from, at, Math.min(end, at + columns)) });
      }
    }
    if (unpacked !== undefined) {
      visit(unpacked.part, depth + 1, joined(path, unpacked.part), unpacked.bytes, `${mark}~`);
    }
  };

  const placeOf = (at: number): string => {
    const isFirst = offset + part.start === 0;
    return hexOf(offset + at) + (isFirst ? "" : `, offset ${at - part.start} in the frame`);
  };

  visit(part, 0, part.name, bytes, "");
  const { error } = part;
  const place = error?.offset === undefined ? "" : ` (at ${placeOf(error.offset)})`;
  return { rows, error: error && `${error.code}: ${error.message}${place}` };
}

const joined = (path: string, { name }: Part): string =>
  path === "" || name.startsWith("[") ? path + name : `${path}.${name}`;

/** Names may come from the wire, for example keys of JSON. */
const shownName = (name: string): string => (/^[ -~]{0,40}$/.test(name) ? name : quoted(name));

function hex(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    text += `${at > start ? " " : ""}${byte < 16 ? "0" : ""}${byte.toString(16)}`;
  }
  return text;
}

/** The bits of a part; dots for its neighbours. */
function bitText(
  bytes: Uint8Array,
  { start, end }: Part,
  { first, count, low = false }: PartBits,
): string {
  const all = Array.from(bytes.subarray(start, end), (byte) => byte.toString(2).padStart(8, "0"));
  return Array.from(all.join(""), (bit, i) => {
    const gap = i > 0 && i % 4 === 0 ? " " : "";
    const place = low ? i - 2 * (i % 8) + 7 : i;
    return gap + (place >= first && place < first + count ? bit : ".");
  }).join("");
}

const MOST_TEXT = 40;

function shownValue({ value, parts, name }: Part): string {
  if (value instanceof Uint8Array) {
    const { length } = value;
    const isText = name !== "?" && length > 0 && value.every((byte) => byte >= 0x20 && byte < 0x7f);
    const text = isText
      ? ` ${quoted(String.fromCharCode(...value.subarray(0, MOST_TEXT + 1)))}`
      : "";
    return `${length} byte${length === 1 ? "" : "s"}${text}`;
  }
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `${value.length} item${value.length === 1 ? "" : "s"}`;
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? "invalid date" : value.toISOString();
  if (typeof value === "object" && value !== null) return parts === undefined ? json(value) : "";
  return value === undefined ? "" : String(value);
}

/** Escapes control characters, which would reach the terminal. */
function quoted(text: string): string {
  const short = text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}...` : text;
  return JSON.stringify(short).replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function json(value: object): string {
  try {
    const text =
      JSON.stringify(value, (_, one) => (typeof one === "bigint" ? String(one) : one)) ?? "";
    return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}...` : text;
  } catch {
    return "an object";
  }
}
