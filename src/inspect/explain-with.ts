import type { AnyField } from "../fields/index.ts";
import { explainField } from "./explain-field.ts";
import { lastEnd } from "./last-end.ts";
import type { Draft } from "./part.ts";
import { typeName } from "./type-name.ts";

/** Explains bytes with a description, as far as they are valid. */
export function explainWith(
  field: AnyField,
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): Draft {
  const root: Draft = { name, start, end: start, type: typeName(field) };
  try {
    explainField(field, root, bytes, start, end);
  } catch {
    delete root.value;
  }
  return root;
}

/** Shows the bytes that could not be read as one part. */
export function addUnread(
  root: Draft,
  bytes: Uint8Array,
  end: number,
  note: string | undefined,
): void {
  const from = lastEnd(root);
  root.end = Math.max(root.end, end);
  if (from >= end) return;
  if (root.parts === undefined) {
    // A field without parts becomes the first of two.
    const { start, type } = root;
    const read = bytes.subarray(start, from);
    root.parts = from === start ? [] : [{ name: "", start, end: from, type, value: read }];
    delete root.note;
  }
  const value = bytes.subarray(from, end);
  const unread: Draft = { name: "?", start: from, end, type: "bytes", value };
  if (note !== undefined) unread.note = note;
  root.parts.push(unread);
}
