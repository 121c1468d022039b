import type { CodeText } from "../../core/index.ts";
import type { Erased } from "../field.ts";

/** What code is made for: calls of the field itself refer to the function that is being made. */
export interface Root {
  readonly field: Erased;
  readonly code: CodeText;
}
