import type { Part } from "./part.ts";
import { type HexViewOptions, type Row, viewOf } from "./rows.ts";

/**
 * The lines of {@link hexView} as HTML: a table with a row for each line, and a paragraph for the error, if
 * there is one. It has class names and data attributes for your styles and scripts, and contains neither.
 * All content from the bytes is escaped.
 *
 * | hook | meaning |
 * |---|---|
 * | `table.framewright`, `p.framewright-error` | the two elements |
 * | `tr[data-path]` | `items[3].name` |
 * | `tr[data-start][data-end]` | the bytes of the part |
 * | `tr[data-depth]` | nesting depth of the part, from 0 |
 * | `tr[data-hidden]` | not part of the value |
 * | `tr[data-unpacked]` | bytes that were unpacked from others |
 * | `td.at`, `td.bytes`, `th.name`, `td.type`, `td.value` | the cells |
 *
 * @param part - the result of `explain`
 * @param bytes - the same bytes
 * @throws RangeError unless the options are integers of at least 1, or 0 for `offset`
 *
 * @example
 * ```ts
 * import { struct, u8 } from "framewright/fields";
 * import { explain, htmlView } from "framewright/inspect";
 *
 * const bytes = Uint8Array.of(7);
 * const html = htmlView(explain(struct({ kind: u8 }), bytes), bytes);
 * console.log(html.includes('data-path="kind" data-start="0" data-end="1"'));
 * //=> true
 * ```
 */
export function htmlView(part: Part, bytes: Uint8Array, options: HexViewOptions = {}): string {
  const { rows, error } = viewOf("htmlView", part, bytes, options);
  const head = ["Address", "Bytes", "Name", "Type", "Value"]
    .map((title) => `<th scope="col">${title}</th>`)
    .join("");
  const table =
    `<table class="framewright">\n<thead><tr>${head}</tr></thead>\n` +
    `<tbody>\n${rows.map(rowHtml).join("")}</tbody>\n</table>\n`;
  return error === undefined
    ? table
    : `${table}<p class="framewright-error">${escaped(error)}</p>\n`;
}

function rowHtml({
  at,
  bytes,
  name,
  type,
  text,
  depth,
  part,
  isFirst,
  path,
  isUnpacked,
}: Row): string {
  const data = [
    `data-path="${escaped(path)}"`,
    `data-start="${escaped(String(part.start))}"`,
    `data-end="${escaped(String(part.end))}"`,
    `data-depth="${depth}"`,
    ...(part.hidden === true ? ["data-hidden"] : []),
    ...(isUnpacked ? ["data-unpacked"] : []),
  ];
  const cell = (one: string, content: string): string =>
    `<td class="${one}">${escaped(content)}</td>`;
  const title = isFirst
    ? `<th scope="row" class="name">${escaped(name)}</th>`
    : '<td class="name"></td>';
  return (
    `<tr ${data.join(" ")}>${cell("at", at)}${cell("bytes", bytes)}${title}` +
    `${cell("type", type)}${cell("value", text)}</tr>\n`
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Escapes text for HTML; control characters become spaces. */
const escaped = (text: string): string =>
  text
    .replace(/[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu, " ")
    .replace(/[&<>"']/g, (char) => ENTITIES[char]!);
