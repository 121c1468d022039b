import { evaluate } from "../../core/index.ts";
import type { Reading } from "./decoding.ts";
import type { Engine } from "./engine.ts";
import { generate } from "./generate.ts";
import { type Generated, runtimeOf } from "./runtime.ts";
import type { Schema } from "./schema.ts";

/**
 * Generates the code of a schema and returns its engine.
 *
 * @throws EvalError if the runtime forbids generated code (a content security policy without
 *   unsafe-eval)
 */
export function compile(schema: Schema, reading: Reading): Engine {
  const make = evaluate<Generated>(["rt"], generate(schema, "js"));
  return make(runtimeOf(schema, reading));
}
