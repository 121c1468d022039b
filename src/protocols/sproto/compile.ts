import type { Reading } from "./decoding.ts";
import type { Engine } from "./engine.ts";
import { generate } from "./generate.ts";
import { type Generated, runtimeOf } from "./runtime.ts";
import type { Schema } from "./schema.ts";

/**
 * The engine of generated code, made now. The only place of the library that makes code at run time.
 *
 * @throws where the runtime forbids that (EvalError, under a content security policy without unsafe-eval)
 */
export function compile(schema: Schema, reading: Reading): Engine {
  // biome-ignore lint/style/noRestrictedGlobals: where it is forbidden, the caller has an interpreter
  const make = new Function("rt", `"use strict";\n${generate(schema, "js")}`) as Generated;
  return make(runtimeOf(schema, reading));
}
