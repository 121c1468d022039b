import { readBundle } from "./bundle.ts";
import type { Engine } from "./engine.ts";
import { interpret } from "./interpret.ts";
import { type SprotoOptions, settingsOf } from "./options.ts";
import { type Runtime, runtimeOf } from "./runtime.ts";
import { Sproto } from "./sproto.ts";
import type { SprotoTypes } from "./types.ts";

/** Version of generated code; raised when older generated code no longer works. */
export const GENERATED_VERSION = 1;

/** The argument of `precompiled`, from a module that `npx framewright sproto` wrote. */
export interface PrecompiledSchema {
  /** Version that the code was generated for. */
  readonly version: number;
  /** The bundle of the schema, as hex digits. */
  readonly bundle: string;
  /** The code that encodes and decodes. */
  // biome-ignore lint/suspicious/noExplicitAny: between this library and the code that it generated
  readonly code: (runtime: any) => any;
}

/**
 * Creates a schema from code that was generated ahead of time by `npx framewright sproto`. No code
 * is generated at run time, so it is as fast as compiled code under every content security policy.
 *
 * @param schema - bundle and code
 * @param options - options of `parse`; `int64`, `maps` and `strings` must be those that the types
 *   were written for
 * @throws TypeError for code that another version of this library has generated
 */
export function precompiled<T extends SprotoTypes>(
  schema: PrecompiledSchema,
  options: SprotoOptions = {},
): Sproto<T> {
  const { version, bundle, code } = schema;
  if (version !== GENERATED_VERSION) {
    const text = `code of version ${version}, this library runs version ${GENERATED_VERSION}`;
    throw new TypeError(`${text}: run "framewright sproto" again`);
  }
  const settings = settingsOf(options);
  const model = readBundle(bytesOf(bundle));
  const make = (): Engine => {
    if (settings.engine === "interpreted") return interpret(model, settings);
    return (code as (runtime: Runtime) => Engine)(runtimeOf(model, settings));
  };
  return new Sproto<T>(model, settings, make);
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) =>
    Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16),
  );
}
