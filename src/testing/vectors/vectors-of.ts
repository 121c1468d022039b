import { Arbitrary, sample } from "fast-check";
import {
  type Codec,
  checkInteger,
  checkOptions,
  encodeFrame,
  ProtocolError,
} from "../../core/index.ts";
import type { Field } from "../../fields/index.ts";
import { mutated } from "../arbitraries/mutated.ts";
import { derived } from "../arbitraries/values-of.ts";
import { fieldOf } from "../field-of.ts";
import { complete } from "../subject.ts";
import { outcomeOf, subjectOf } from "./outcome.ts";
import { toHex, toPortable } from "./portable.ts";

/** Options for {@link vectorsOf}. */
export interface VectorsOfOptions<out In> {
  /**
   * The same seed makes the same vectors.
   * @defaultValue 0
   */
  readonly seed?: number | undefined;
  /**
   * Number of values, and of damaged frames.
   * @defaultValue 100
   */
  readonly count?: number | undefined;
  /**
   * The values to write.
   * @defaultValue values of the description, by `valuesOf`; required for a protocol without a description
   */
  readonly values?: Arbitrary<In> | undefined;
}

/** Frames and their values as JSON, for tests in other languages; see {@link vectorsOf}. */
export interface VectorFile {
  /** Name of the protocol. */
  readonly protocol: string;
  readonly seed: number;
  /** Frames in hex, with the value that each encodes and decodes to. */
  readonly vectors: readonly { readonly hex: string; readonly value: unknown }[];
  /** Damaged frames: the values before the error, and the error code, if there is an error. */
  readonly damaged: readonly {
    readonly hex: string;
    readonly values: readonly unknown[];
    readonly error?: string | undefined;
  }[];
}

/**
 * Makes test vectors of a protocol, as plain data for `JSON.stringify`: for teams that implement the same
 * protocol in another language.
 *
 * A value that JSON lacks is an object with one member: `{ "$hex": "00ff" }` is bytes, `{ "$int": "1" }` a
 * bigint, `{ "$num": "nan" }` (`inf`, `-inf`, `-0`) a number, `{ "$none": true }` undefined, `{ "$map":
 * [[key, value], ...] }` a Map. An object with a member name that begins with `$` is `{ "$fields": [[name,
 * value], ...] }`.
 *
 * @param protocol - a protocol, a message protocol or a codec; needs `values`, unless it was made by
 *   `protocolOf`
 *
 * @example
 * ```ts
 * import { protocolOf, struct, u8, utf8 } from "framewright/fields";
 * import { vectorsOf } from "framewright/testing";
 *
 * const names = protocolOf(struct({ id: u8, name: utf8(u8) }), { name: "names" });
 * const { vectors, damaged } = vectorsOf(names, { seed: 1, count: 20 });
 * console.log(vectors.length, damaged.length, Object.keys(vectors[0] ?? {}));
 * //=> 20 20 [ 'hex', 'value' ]
 * ```
 *
 * @throws TypeError without values; RangeError unless `count` is an integer of at least 1
 */
export function vectorsOf<In, Out>(
  protocol: Codec<In, Out> & { readonly field?: Field<In, Out> | undefined },
  options: VectorsOfOptions<NoInfer<In>> = {},
): VectorFile {
  checkOptions("vectorsOf", options, ["seed", "count", "values"]);
  const { seed = 0, count = 100 } = options;
  checkInteger("count", count, 1);
  const values = valuesFor("vectorsOf", protocol, options.values);
  const whole = complete(protocol as unknown as Codec<unknown>);
  const frames: Uint8Array[] = [];
  const made: { hex: string; value: unknown }[] = [];
  // Some values are too big for a frame.
  for (let round = 0; made.length < count && round < 50; round++) {
    for (const value of sample(values, { numRuns: count, seed: seed + round })) {
      const frame = written(whole, value);
      if (frame === undefined || made.length === count) continue;
      frames.push(frame);
      made.push({ hex: toHex(frame), value: toPortable(value) });
    }
  }
  if (made.length < count)
    throw new TypeError("vectorsOf: nearly all values are too big for a frame");
  const subject = subjectOf(protocol);
  const damaged = frames.map((frame, i) => {
    const [bytes] = sample(mutated(frame), { numRuns: 1, seed: seed + i });
    const { values: read, error } = outcomeOf(subject, bytes!);
    return {
      hex: toHex(bytes!),
      values: read.map((value) => toPortable(value)),
      ...(error && { error }),
    };
  });
  return { protocol: whole.name, seed, vectors: made, damaged };
}

/** The values of the option, or of the protocol's description. @internal */
export function valuesFor<In, Out>(
  name: string,
  protocol: Codec<In, Out> & { readonly field?: Field<In, Out> | undefined },
  values: Arbitrary<In> | undefined,
): Arbitrary<In> {
  if (values instanceof Arbitrary) return values;
  const field = fieldOf(protocol);
  const call = `${name}(protocol, { values: valuesOf(protocol, *) })`;
  if (field !== undefined) return derived(field as unknown as Field<In, Out>, {}, call);
  throw new TypeError(`${name} needs the option values, or a protocol made by protocolOf`);
}

/** The frame of a value; undefined if no frame can hold it. @internal */
export function written(
  protocol: ReturnType<typeof complete>,
  value: unknown,
): Uint8Array | undefined {
  try {
    return encodeFrame(protocol, value).slice();
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "unencodable") return undefined;
    throw error;
  }
}
