import type { Part } from "./part.ts";
import { type HexViewOptions, type Row, viewOf } from "./rows.ts";

/**
 * Shows bytes and their meaning side by side: a line for each field, with bits in their position within the
 * byte. Bytes that were unpacked from others are shown below them, with addresses marked by `~`.
 *
 * @param part - the result of `explain`
 * @param bytes - the same bytes
 * @throws RangeError unless the options are integers of at least 1, or 0 for `offset`
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
  const { rows, error } = viewOf("hexView", part, bytes, options);
  const nameOf = ({ depth, name }: Row): string => (name === "" ? "" : "  ".repeat(depth) + name);
  const widest = (of: (row: Row) => string): number =>
    rows.reduce((most, row) => Math.max(most, of(row).length), 0);
  const a = Math.max(
    4,
    widest(({ at }) => at),
  );
  const b = widest(({ bytes }) => bytes);
  const n = widest(nameOf);
  const t = widest(({ type }) => type);
  const text = rows.map((row) =>
    [row.at.padEnd(a), row.bytes.padEnd(b), nameOf(row).padEnd(n), row.type.padEnd(t), row.text]
      .join("  ")
      .trimEnd(),
  );
  if (error !== undefined) text.push(`error: ${error}`);
  return text.join("\n");
}
