import { checkOptions } from "../core/index.ts";
import type { Part, PartBits } from "./part.ts";

/** Options for {@link hexView}. */
export interface HexViewOptions {
  /**
   * Bytes on a line.
   * @defaultValue 8
   */
  readonly columns?: number | undefined;
  /**
   * Lines for one field; what does not fit is counted.
   * @defaultValue 4
   */
  readonly lines?: number | undefined;
}

interface Row {
  readonly at: string;
  readonly bytes: string;
  readonly name: string;
  readonly type: string;
  readonly text: string;
}

/**
 * Bytes and what they mean, side by side: a line for each field, bits as they stand in their byte.
 *
 * @param part - what `explain` returned
 * @param bytes - the same bytes
 * @throws RangeError unless the options are integers >= 1
 *
 * @example
 * ```ts
 * import { bits, flag, struct, u16be } from "framewright/fields";
 * import { explain, hexView } from "framewright/inspect";
 *
 * const header = struct({ version: bits(4), last: flag, kind: bits(3), id: u16be });
 * const bytes = Uint8Array.of(0x4a, 1, 0);
 * console.log(hexView(explain(header, bytes), bytes));
 * //=> 0000  0100 ....  version  4 bits  4
 * //=> 0000  .... 1...  last     flag    true
 * //=> 0000  .... .010  kind     3 bits  2
 * //=> 0001  01 00      id       u16be   256
 * ```
 */
export function hexView(part: Part, bytes: Uint8Array, options: HexViewOptions = {}): string {
  checkOptions("hexView", options, ["columns", "lines"]);
  const { columns = 8, lines = 4 } = options;
  for (const [name, n] of Object.entries({ columns, lines })) {
    if (!Number.isInteger(n) || n < 1) {
      throw new RangeError(`hexView: ${name} must be an integer of at least 1, not ${n}`);
    }
  }
  const rows: Row[] = [];
  const width = Math.max(4, part.end.toString(16).length);
  const address = (at: number): string => at.toString(16).padStart(width, "0");

  const visit = (one: Part, depth: number): void => {
    const { parts, bits, start, end } = one;
    const name = "  ".repeat(depth) + one.name;
    const text = `${shownValue(one)}${one.note === undefined ? "" : `  (${one.note})`}`.trim();
    const isTree = parts !== undefined && parts.length > 0;
    if (isTree && one.name === "" && depth === 0) {
      for (const inner of parts) visit(inner, 0);
      return;
    }
    const head = { at: address(start), name, type: one.type, text };
    if (isTree) {
      rows.push({ ...head, bytes: "" });
      for (const inner of parts) visit(inner, depth + 1);
    } else if (bits !== undefined) rows.push({ ...head, bytes: bitText(bytes, one, bits) });
    else {
      rows.push({ ...head, bytes: hex(bytes, start, Math.min(end, start + columns)) });
      more(start + columns, end);
    }
  };
  /** The bytes of a field that do not fit on its line. */
  const more = (from: number, end: number): void => {
    for (let at = from, line = 1; at < end; at += columns, line++) {
      const row = { name: "", type: "", text: "" };
      if (line >= lines) {
        rows.push({ ...row, at: "", bytes: `... ${end - at} more` });
        return;
      }
      rows.push({ ...row, at: address(at), bytes: hex(bytes, at, Math.min(end, at + columns)) });
    }
  };

  visit(part, 0);
  const widest = (of: (row: Row) => string): number =>
    Math.max(0, ...rows.map((row) => of(row).length));
  const [b, n, t] = [
    widest((row) => row.bytes),
    widest((row) => row.name),
    widest((row) => row.type),
  ];
  const text = rows.map(({ at, bytes: own, name, type, text: value }) =>
    `${at.padEnd(width)}  ${own.padEnd(b)}  ${name.padEnd(n)}  ${type.padEnd(t)}  ${value}`.trimEnd(),
  );
  const { error } = part;
  if (error !== undefined) {
    const place = error.offset === undefined ? "" : ` (at ${address(error.offset)})`;
    text.push(`error: ${error.code}: ${error.message}${place}`);
  }
  return text.join("\n");
}

const hex = (bytes: Uint8Array, start: number, end: number): string =>
  Array.from(bytes.subarray(start, end), (byte) => byte.toString(16).padStart(2, "0")).join(" ");

/** The bits of a part, dots for those of its neighbours. */
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
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "no date" : value.toISOString();
  if (typeof value === "object" && value !== null) return parts === undefined ? json(value) : "";
  return value === undefined ? "" : String(value);
}

/** Control characters would reach the terminal. */
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
