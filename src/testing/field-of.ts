import type { AnyField } from "../fields/index.ts";

/** Returns the description itself, or the description that a protocol was made from. */
export function fieldOf(what: object): AnyField | undefined {
  const field: unknown = "field" in what ? what.field : what;
  const isField = typeof field === "object" && field !== null && "node" in field;
  return isField ? (field as AnyField) : undefined;
}
