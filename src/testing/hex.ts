/** What to mark between bytes: where chunks end, and where frames end. */
export interface Marks {
  readonly cuts?: readonly number[] | undefined;
  readonly ends?: readonly number[] | undefined;
}

const ROW = 16;
/** Rows at the beginning, and rows in all: a reader sees the header and what is marked, not a megabyte. */
const FIRST = 6;
const MOST = 24;

/**
 * Bytes as hex and text, sixteen a row, with a mark where a chunk ends (`|`), a frame ends (`/`), or both (`+`).
 * Of long input: the beginning, the rows with marks, the end.
 *
 * ```text
 *   0000  00 02 07|61 62/00 00 08                           ...ab...
 * ```
 * @internal
 */
export function hexView(bytes: Uint8Array, marks: Marks = {}): string {
  const cuts = new Set(marks.cuts);
  const ends = new Set(marks.ends);
  const last = Math.max(0, Math.ceil(bytes.length / ROW) - 1);
  const marked = [...cuts, ...ends].map((at) => Math.floor(at / ROW)).filter((row) => row <= last);
  const wanted = new Set([...Array(FIRST).keys(), ...marked.sort((a, b) => a - b)]);
  const rows = [...wanted, last].filter((row) => row <= last);
  const shown = [...new Set([...rows.slice(0, MOST), last])].sort((a, b) => a - b);
  const lines: string[] = [];
  let next = 0;
  for (const row of shown) {
    if (row > next) lines.push(`... ${(row - next) * ROW} bytes`);
    lines.push(line(bytes, row * ROW, cuts, ends));
    next = row + 1;
  }
  return lines.join("\n");
}

function line(
  bytes: Uint8Array,
  start: number,
  cuts: ReadonlySet<number>,
  ends: ReadonlySet<number>,
): string {
  const end = Math.min(start + ROW, bytes.length);
  let hex = "";
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    hex += at === start && at > 0 ? " " : mark(at, cuts, ends);
    hex += byte.toString(16).padStart(2, "0");
    text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".";
  }
  // A mark between two rows stands at the end of the first one.
  hex += mark(end, cuts, ends);
  return `${start.toString(16).padStart(4, "0")} ${hex.padEnd(3 * ROW + 2)} ${text}`;
}

function mark(at: number, cuts: ReadonlySet<number>, ends: ReadonlySet<number>): string {
  if (cuts.has(at)) return ends.has(at) ? "+" : "|";
  return ends.has(at) ? "/" : " ";
}
