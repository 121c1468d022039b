import { ProtocolError } from "./errors.ts";
import { notPromised } from "./json-read.ts";
import { isMisuse } from "./misuse.ts";
import { pathText } from "./path-text.ts";
import type { Codec } from "./protocol.ts";

/** A Standard Schema (standardschema.dev, version 1), as made by Zod, Valibot, ArkType and others. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => unknown;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** The type of the input of a schema. */
export type SchemaInput<S extends StandardSchema> = NonNullable<S["~standard"]["types"]>["input"];

/** The type of the output of a schema. */
export type SchemaOutput<S extends StandardSchema> = NonNullable<S["~standard"]["types"]>["output"];

/** The result of `validate`. */
interface Validated {
  readonly value?: unknown;
  readonly issues?: readonly { readonly path?: readonly unknown[] | undefined }[] | undefined;
}

/**
 * Makes a codec that accepts only received values which are valid by a Standard Schema. You receive the
 * output of the schema, with its defaults and transformations. Values that you send are not checked.
 *
 * A value that is not valid is `malformed`. The error has its `path`, and never quotes the value.
 *
 * @param codec - reads and writes the values
 * @param schema - of Zod, Valibot, ArkType or another library; it must be synchronous, a promise is a TypeError
 * @throws TypeError if `schema` is not a Standard Schema
 *
 * @example
 * ```ts
 * import { checked, decodeFrame, encodeFrame, json, lines } from "framewright";
 *
 * // The same as z.object({ n: z.number() }) of a library.
 * const schema = {
 *   "~standard": {
 *     version: 1,
 *     vendor: "example",
 *     validate: (value: unknown) =>
 *       typeof (value as { n?: unknown }).n === "number"
 *         ? { value: value as { n: number } }
 *         : { issues: [{ message: "must be a number", path: ["n"] }] },
 *     types: undefined as { input: { n: number }; output: { n: number } } | undefined,
 *   },
 * } as const;
 * const protocol = lines().wrap(checked(json(), schema));
 * try {
 *   decodeFrame(protocol, encodeFrame(protocol, { n: "five" }));
 * } catch (error) {
 *   console.log((error as Error).message);
 * }
 * //=> n is not valid by its schema (example)
 * ```
 */
export function checked<In, S extends StandardSchema>(
  codec: Codec<In, unknown>,
  schema: S,
): Codec<In, SchemaOutput<S>> {
  const standard = schema?.["~standard"];
  if (typeof standard?.validate !== "function") {
    throw new TypeError("checked needs a Standard Schema, as Zod, Valibot and ArkType make them");
  }
  const check = (value: unknown, at: number): SchemaOutput<S> => {
    const { issues, value: made } = validated(schema, value, at);
    if (issues === undefined) return made as SchemaOutput<S>;
    const path = pathOf(issues[0]?.path);
    const what = path.length === 0 ? "value" : pathText(path);
    const text = `${what} is not valid by its schema (${standard.vendor})`;
    throw new ProtocolError("malformed", text, at, { path });
  };
  // Its text path, if any, would bypass the check.
  const { decodeText: _, ...rest } = codec;
  return Object.freeze<Codec<In, SchemaOutput<S>>>({
    ...rest,
    encode: Object.hasOwn(codec, "encode")
      ? codec.encode
      : (value, out) => codec.encode(value, out),
    decode: (bytes, start, end) => check(codec.decode(bytes, start, end), start),
    ...(codec.decodeMany && {
      decodeMany: (bytes: Uint8Array, start: number, end: number) =>
        codec.decodeMany!(bytes, start, end).map((value) => check(value, start)),
    }),
  });
}

function validated(schema: StandardSchema, value: unknown, at: number): Validated {
  try {
    return notPromised(schema["~standard"].validate(value), "schema") as Validated;
  } catch (error) {
    if (isMisuse(error)) throw error;
    throw new ProtocolError("malformed", "value is not valid: its schema threw", at, {
      cause: error,
    });
  }
}

/** The parts of a path may be objects that hold the key. */
function pathOf(path: readonly unknown[] = []): (string | number)[] {
  // Copied, because it may be of a class of its own.
  return Array.from(path, (part) => {
    const key = typeof part === "object" && part !== null ? (part as { key: unknown }).key : part;
    return typeof key === "number" ? key : String(key);
  });
}
