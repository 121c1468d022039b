import type { Draft } from "../part.ts";
import type { Request } from "./explainer.ts";
import { addBytes, addHeader, type HeaderField, sizeOf } from "./header.ts";

/** Bytes followed by numbers: the packages of skynet's message server. */
export function explainTail({ format, name, bytes, start, end }: Request): Draft {
  const fields = format.fields as readonly HeaderField[];
  const root: Draft = { name, start, end: start, type: "struct", parts: [] };
  const size = fields.reduce((sum, [, type]) => sum + sizeOf(type), 0);
  if (end - start < size) return root;
  addBytes(root, "content", bytes, start, end - size);
  addHeader(root, fields, bytes, end - size, end);
  return root;
}
