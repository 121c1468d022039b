/** Offsets to mark between bytes: the ends of chunks and of frames. */
export interface Marks {
  readonly cuts?: readonly number[] | undefined;
  readonly ends?: readonly number[] | undefined;
}

const ROW = 16;
/** Maximum number of rows: the header and the marked places, not a megabyte. */
const MOST = 24;

/**
 * Bytes as hex and text, sixteen per row, with a mark at the end of a chunk (`|`), of a frame (`/`), or of
 * both (`+`). Long input is shortened to its beginning, the rows with marks, and its end.
 *
 * ```text
 *   0000  00 02 07|61 62/00 00 08                           ...ab...
 * ```
 * @internal
 */
export function hexView(bytes: Uint8Array, marks: Marks = {}, most: number = MOST): string {
  const cuts = new Set(marks.cuts);
  const ends = new Set(marks.ends);
  const last = Math.max(0, Math.ceil(bytes.length / ROW) - 1);
  const marked = [...cuts, ...ends].map((at) => Math.floor(at / ROW)).filter((row) => row <= last);
  // The first row, rows with marks, then as many more rows of the beginning as fit.
  const wanted = [0, ...marked.sort((a, b) => a - b), ...Array(Math.min(most, last)).keys(), last];
  const picked: number[] = [];
  for (const row of new Set(wanted)) {
    const more = [...picked, row].sort((a, b) => a - b);
    if (linesOf(more, last) <= most) picked.push(row);
  }
  const lines: string[] = [];
  let next = 0;
  for (const row of picked.sort((a, b) => a - b)) {
    if (row > next) lines.push(`... ${(row - next) * ROW} bytes`);
    lines.push(line(bytes, row * ROW, cuts, ends));
    next = row + 1;
  }
  if (next <= last) lines.push(`... ${bytes.length - next * ROW} bytes`);
  return lines.join("\n");
}

/** Number of lines for these rows, with one more line for each gap between them. */
function linesOf(rows: readonly number[], last: number): number {
  const gaps = rows.filter((row, i) => row > (i === 0 ? 0 : rows[i - 1]! + 1)).length;
  return rows.length + gaps + (rows.at(-1)! < last ? 1 : 0);
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
  // A mark between two rows is shown at the end of the first one.
  hex += mark(end, cuts, ends);
  return `${start.toString(16).padStart(4, "0")} ${hex.padEnd(3 * ROW + 2)} ${text}`;
}

function mark(at: number, cuts: ReadonlySet<number>, ends: ReadonlySet<number>): string {
  if (cuts.has(at)) return ends.has(at) ? "+" : "|";
  return ends.has(at) ? "/" : " ";
}
