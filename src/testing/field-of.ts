import type { AnyField } from "../fields/index.ts";

/** The description that this is, or that a protocol was made of. */
export function fieldOf(what: object): AnyField | undefined {
  const field: unknown = "field" in what ? what.field : what;
  const isField = typeof field === "object" && field !== null && "node" in field;
  return isField ? (field as AnyField) : undefined;
}
