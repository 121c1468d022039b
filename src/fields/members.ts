import { shown, unencodable } from "./field-error.ts";
import type { Step } from "./plan.ts";

/** The value of a struct, by name of its members. */
export type Members = Readonly<Record<string, unknown>>;

/** @throws ProtocolError unless it is an object */
export function membersOf(value: unknown): Members {
  if (typeof value === "object" && value !== null) return value as Members;
  throw unencodable(`an object is needed, not ${shown(value)}`);
}

export function memberOf(members: Members, { name, inherited }: Step): unknown {
  return inherited && !Object.hasOwn(members, name) ? undefined : members[name];
}

/** A member by its name; members that every object inherits do not count. */
export const namedMember = (members: Members, name: string): unknown =>
  name in Object.prototype && !Object.hasOwn(members, name) ? undefined : members[name];

/**
 * Checks that after a missing optional member at the end no other one is present.
 *
 * @returns the name of the first one that is missing
 */
export function checkGap(
  { name }: Step,
  member: unknown,
  missing: string | undefined,
): string | undefined {
  if (member === undefined) return missing ?? name;
  if (missing === undefined) return undefined;
  throw unencodable(`cannot be there while "${missing}" before it is missing`);
}
