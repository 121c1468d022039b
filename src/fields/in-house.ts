// Parts of the fields that other folders use and that are not exported to users.

export type { CountedList } from "./array.ts";
export {
  announcedBytes,
  announcedError,
  bitsIn,
  caseOf,
  isPresent,
  noCase,
  padding,
  sumOf,
} from "./described-struct.ts";
export { type Erased, erased, makeField } from "./field.ts";
export { bytesText, leftOver, malformed, tooShort, withHex, within } from "./field-error.ts";
export type { NodeOf } from "./node.ts";
export type { BitMember, Range, Step, StructPlan, SumPlan } from "./plan.ts";
export { planOf } from "./protocol-of.ts";
