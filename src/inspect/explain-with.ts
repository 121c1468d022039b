import { ProtocolError } from "../core/index.ts";
import type { AnyField } from "../fields/index.ts";
import { explainField } from "./explain-field.ts";
import type { Draft, PartError } from "./part.ts";
import { typeName } from "./type-name.ts";

/** Explains bytes by a description. */
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
  let error: PartError | undefined;
  try {
    field.decode(bytes, start, end);
  } catch (thrown) {
    error = errorOf(thrown);
    root.error = error;
    delete root.value;
  }
  if (error !== undefined) addUnread(root, bytes, end, error.message);
  root.end = end;
  return root;
}

/** The error as data. */
export function errorOf(thrown: unknown): PartError {
  if (!(thrown instanceof ProtocolError)) {
    return { code: "malformed", message: thrown instanceof Error ? thrown.message : "an error" };
  }
  const { code, message, offset, path } = thrown;
  return {
    code,
    message,
    ...(offset !== undefined && { offset }),
    ...(path !== undefined && { path: [...path] }),
  };
}

/** Shows what could not be read as one part. */
export function addUnread(root: Draft, bytes: Uint8Array, end: number, note: string): void {
  const from = lastEnd(root);
  if (from >= end) return;
  if (root.parts === undefined) {
    // A field without parts becomes the first of two.
    const { start, type, note } = root;
    const read = bytes.subarray(start, from);
    root.parts = from === start ? [] : [{ name: "", start, end: from, type, value: read }];
    if (note !== undefined) delete root.note;
  }
  const value = bytes.subarray(from, end);
  root.parts.push({ name: "?", start: from, end, type: "bytes", value, note });
}

/** Where the last leaf ends. */
const lastEnd = (part: Draft): number =>
  part.parts === undefined
    ? part.end
    : part.parts.reduce((at, one) => Math.max(at, lastEnd(one)), part.start);
