import type { CodeText } from "../../core/index.ts";
import type { Erased } from "../field.ts";

/** The field for which code is generated: calls of the field itself refer to the function being generated. */
export interface Root {
  readonly field: Erased;
  readonly code: CodeText;
}
