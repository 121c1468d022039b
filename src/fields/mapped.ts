import { converted } from "./converted.ts";
import type { Field } from "./field.ts";
import { foreign, malformed, unencodable } from "./field-error.ts";

/** The conversion of {@link mapped}. */
export interface Mapping<RawOut, Out, In, RawIn> {
  /** A name for error texts and tools: "date". */
  readonly name: string;
  /** Converts a value that was read. If it throws, the error is `malformed`. */
  read(raw: RawOut): Out;
  /** Converts a value to be written. If it throws, the error is `unencodable`. */
  write(value: In): RawIn;
}

/**
 * The same field with values in another form. Both functions must be pure and inverse to each other.
 *
 * @example
 * ```ts
 * import { decodeFrame, perMessage } from "framewright";
 * import { mapped, u32be } from "framewright/fields";
 *
 * const time = mapped(u32be, {
 *   name: "time",
 *   read: (seconds) => new Date(seconds * 1000),
 *   write: (date: Date) => date.getTime() / 1000,
 * });
 * console.log(decodeFrame(perMessage().wrap(time), Uint8Array.of(0, 0, 0, 60)).toISOString());
 * //=> 1970-01-01T00:01:00.000Z
 * ```
 */
export function mapped<RawIn, RawOut, In, Out = In>(
  inner: Field<RawIn, RawOut>,
  mapping: Mapping<RawOut, Out, In, RawIn>,
): Field<In, Out> {
  const { name, read, write } = mapping;
  return converted<In, Out>(
    inner,
    { kind: "mapped", inner, name, read: read as never, write: write as never },
    (raw: RawOut, at: number) => {
      try {
        return read.call(mapping, raw);
      } catch (error) {
        throw foreign(error, "malformed", at, `${name}: `);
      }
    },
    (value) => {
      try {
        return write.call(mapping, value);
      } catch (error) {
        throw foreign(error, "unencodable", undefined, `${name}: `);
      }
    },
  );
}

/** The part of a Standard Schema (version 1) that `checked` uses, as made by Zod, Valibot and ArkType. */
export interface ValueSchema<in out T> {
  readonly "~standard": {
    readonly validate: (value: unknown) => unknown;
    readonly types?: { readonly input: unknown; readonly output: T } | undefined;
  };
}

/**
 * Accepts only some values, in both directions.
 *
 * @param ok - returns true for a valid value
 * @param text - describes valid values in error texts: "a port below 1024"
 *
 * @example
 * ```ts
 * import { encodeFrame, perMessage } from "framewright";
 * import { checked, u8 } from "framewright/fields";
 *
 * const percent = perMessage().wrap(checked(u8, (n) => n <= 100, "at most 100"));
 * try {
 *   encodeFrame(percent, 101);
 * } catch (error) {
 *   console.log((error as Error).message);
 * }
 * //=> must be at most 100
 * ```
 */
export function checked<In, Out extends In>(
  inner: Field<In, Out>,
  ok: (value: In) => boolean,
  text: string,
): Field<In, Out>;
/**
 * Accepts only values that are valid by a Standard Schema. The schema must be synchronous; its output
 * (transformations, defaults) is not used.
 */
export function checked<In, Out extends In>(
  inner: Field<In, Out>,
  schema: ValueSchema<NoInfer<Out>>,
): Field<In, Out>;
export function checked<In, Out extends In>(
  inner: Field<In, Out>,
  test: ((value: In) => boolean) | ValueSchema<Out>,
  text = "valid",
): Field<In, Out> {
  const fault = typeof test === "function" ? faultOf(test, text) : schemaFault(test);
  return converted<In, Out>(
    inner,
    { kind: "checked", inner, fault },
    (value: Out, at: number) => {
      const wrong = faultIn(fault, value, "malformed", at);
      if (wrong !== undefined) throw malformed(wrong, at);
      return value;
    },
    (value) => {
      const wrong = faultIn(fault, value, "unencodable");
      if (wrong !== undefined) throw unencodable(wrong);
      return value;
    },
  );
}

type Fault = (value: unknown) => string | undefined;

function faultIn(
  fault: Fault,
  value: unknown,
  code: "malformed" | "unencodable",
  at?: number,
): string | undefined {
  try {
    return fault(value);
  } catch (error) {
    throw foreign(error, code, at, "check failed: ");
  }
}

const faultOf =
  <In>(ok: (value: In) => boolean, text: string): Fault =>
  (value) =>
    ok(value as In) ? undefined : `must be ${text}`;

function schemaFault<T>(schema: ValueSchema<T>): Fault {
  const standard = schema?.["~standard"];
  if (typeof standard?.validate !== "function") {
    throw new TypeError("checked needs a function or a Standard Schema");
  }
  return (value) => {
    const result = standard.validate(value) as {
      readonly issues?: readonly { readonly message: string }[] | undefined;
    };
    if (!("value" in result) && result.issues === undefined) {
      throw new TypeError("the schema must be synchronous");
    }
    if (result.issues === undefined) return undefined;
    return result.issues[0]?.message ?? "is not valid by its schema";
  };
}
