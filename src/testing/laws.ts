import { Arbitrary, constant, oneof } from "fast-check";
import type { Codec, Output } from "../core/index.ts";
import type { Field } from "../fields/index.ts";
import { faultsOf } from "./arbitraries/refused-of.ts";
import { derived, type ValuesOptions } from "./arbitraries/values-of.ts";
import type { LawDefinition } from "./define-law.ts";
import { fieldOf } from "./field-of.ts";
import type { Law } from "./law.ts";
import { LawSet } from "./law-set.ts";
import { appendOnlyEncode } from "./laws/append-only-encode.ts";
import { canonical } from "./laws/canonical.ts";
import { chunkInvariance } from "./laws/chunk-invariance.ts";
import { concatenation } from "./laws/concatenation.ts";
import { everyByteCounts } from "./laws/every-byte-counts.ts";
import { incompleteInput } from "./laws/incomplete-input.ts";
import { limitInvariance } from "./laws/limit-invariance.ts";
import { measureEqualsLength } from "./laws/measure-equals-length.ts";
import { noAliasing } from "./laws/no-aliasing.ts";
import { noBareThrows } from "./laws/no-bare-throws.ts";
import { noOverread } from "./laws/no-overread.ts";
import { noRescanning } from "./laws/no-rescanning.ts";
import { offsetIndependence } from "./laws/offset-independence.ts";
import { pauseAndClose } from "./laws/pause-and-close.ts";
import { purity } from "./laws/purity.ts";
import { refusal } from "./laws/refusal.ts";
import { resumedMeasure } from "./laws/resumed-measure.ts";
import { roundTrip } from "./laws/round-trip.ts";
import { textPath } from "./laws/text-path.ts";
import { totality } from "./laws/totality.ts";
import { truncation } from "./laws/truncation.ts";
import type { DecodeOnlyOptions, LawOptions } from "./options.ts";
import { several } from "./several.ts";
import { complete, Subject } from "./subject.ts";

const LAWS: readonly LawDefinition[] = [
  roundTrip,
  appendOnlyEncode,
  measureEqualsLength,
  incompleteInput,
  noOverread,
  offsetIndependence,
  resumedMeasure,
  noRescanning,
  chunkInvariance,
  concatenation,
  truncation,
  limitInvariance,
  textPath,
  purity,
  noAliasing,
  noBareThrows,
  totality,
  refusal,
  pauseAndClose,
  canonical,
  everyByteCounts,
];

/**
 * Tests for a protocol: all the behaviour that it needs to work on any socket. Each law has a name and a
 * `check` that throws a readable counterexample. They work with any test runner, and without one.
 *
 * For a protocol without a framing (`perMessage()`, or a bare codec like `json()`), the laws about streams
 * are left out.
 *
 * @param protocol - a protocol, a message protocol or a codec
 * @param arbitrary - all values that the protocol must write. Some of them, but not most, may be too big
 *   for `maxFrame`: `encode` must refuse these. See {@link bytes} for content with lengths that find bugs
 * @param options - expected values, another reader, values to refuse, number of runs
 *
 * @example
 * ```ts
 * import fc from "fast-check";
 * import { defineProtocol, u16be } from "framewright";
 * import { bytes, laws } from "framewright/testing";
 *
 * const ping = defineProtocol<{ op: number; body: Uint8Array }>({
 *   name: "ping",
 *   maxFrame: 64 * 1024,
 *   measure: (bytes, start, end) => (end - start < 2 ? 0 : 3 + u16be(bytes, start)),
 *   decode: (bytes, start, end) => ({ op: bytes[start + 2]!, body: bytes.subarray(start + 3, end) }),
 *   encode: ({ op, body }, out) => void out.u16be(body.length).u8(op).bytes(body),
 * });
 *
 * const pings = fc.record({ op: fc.nat(255), body: bytes(ping) });
 * for (const law of laws(ping, pings, { runs: 20 })) await law.check();
 * ```
 */
export function laws<In, Read>(
  protocol: Codec<In, unknown>,
  arbitrary: Arbitrary<NoInfer<In>>,
  options: LawOptions<In, Read> & { readonly reader: Codec<never, Read> },
): Law[];
export function laws<In, Out>(
  protocol: Codec<In, Out>,
  arbitrary: Arbitrary<NoInfer<In>>,
  options?: LawOptions<In, Out>,
): Law[];
/**
 * The laws for a protocol that only reads, for example the server side of a client protocol: the arbitrary
 * makes frames, as bytes, and the laws about `encode` are left out.
 *
 * @param protocol - a protocol whose `encode` is never called
 * @param frames - valid frames
 * @param options - `decodeOnly: true`; `expected` returns the value for a frame, if you know it. By default
 *   it is the value that the protocol reads from the frame alone: then only `vectors` can test that this
 *   value is correct
 *
 * @example
 * ```ts
 * import fc from "fast-check";
 * import { defineProtocol, ProtocolError } from "framewright";
 * import { laws } from "framewright/testing";
 *
 * const replies = defineProtocol<number>({
 *   name: "replies",
 *   maxFrame: 2,
 *   measure: () => 2,
 *   decode: (bytes, start) => bytes[start]! * 256 + bytes[start + 1]!,
 *   encode() {
 *     throw new ProtocolError("unencodable", "only servers reply");
 *   },
 * });
 * const frames = fc.uint8Array({ minLength: 2, maxLength: 2 });
 * for (const law of laws(replies, frames, { decodeOnly: true, runs: 20 })) await law.check();
 * ```
 */
export function laws<Out>(
  protocol: Codec<never, Out>,
  frames: Arbitrary<Uint8Array>,
  options: DecodeOnlyOptions<Out>,
): Law[];
/**
 * The laws for a description, or for a protocol made from one by `protocolOf`: values are derived by {@link
 * valuesOf}, and values to refuse by {@link refusedOf}.
 *
 * @example
 * ```ts
 * import { protocolOf, struct, u8, utf8 } from "framewright/fields";
 * import { laws } from "framewright/testing";
 *
 * const names = protocolOf(struct({ id: u8, name: utf8(u8) }), { name: "names" });
 * for (const law of laws(names, { runs: 20 })) await law.check();
 * ```
 */
export function laws<In, Out>(
  described: Field<In, Out> | (Codec<In, Out> & { readonly field: Field<In, Out> }),
  options?: LawOptions<In, Out> & ValuesOptions,
): Law[];
export function laws(
  protocol: Codec<never, unknown>,
  second: Arbitrary<unknown> | object = {},
  options: object = {},
): Law[] {
  const field = fieldOf(protocol);
  const further = mentionsIgnored(field?.node) ? { ignores: isFurther } : {};
  if (second instanceof Arbitrary) {
    const all = { ...further, ...options };
    return "decodeOnly" in options && options.decodeOnly === true
      ? lawsOf(READING, writing(protocol), second, readingOptions(protocol, all))
      : lawsOf(LAWS, protocol, second, all);
  }
  if (field === undefined) {
    throw new TypeError("laws needs an arbitrary, or a protocol made by protocolOf");
  }
  const { max, of, ...given } = second as LawOptions<unknown, unknown> & ValuesOptions;
  const values = { max, of };
  const call = "laws(protocol, *)";
  const refused = faultsOf(field, values, call);
  const more = refused.length > 0 ? { refused: oneof(...refused) } : {};
  const own = { ...further, ...more, ...given };
  return lawsOf(LAWS, protocol, derived(field as Field<unknown>, values, call), own);
}

const READING = LAWS.filter(({ ofEncode }) => !ofEncode);

/** Writes frames that are already bytes. */
function writing(reader: Codec<never, unknown>): Codec<never, unknown> {
  const whole = complete(reader as Codec<unknown>);
  const { name, maxFrame } = whole;
  return {
    name,
    maxFrame,
    ...("measure" in whole && { measure: whole.measure.bind(whole) }),
    decode: (bytes: Uint8Array, start: number, end: number) => bytes.slice(start, end),
    encode: (frame: Uint8Array, out: Output) => void out.bytes(frame),
  } as Codec<never, unknown>;
}

function readingOptions(reader: Codec<never, unknown>, options: object): object {
  const alone = new Subject(reader as Codec<unknown>, constant(undefined), {});
  const expected = (frame: Uint8Array): unknown => {
    const values = alone.decode(alone.reader(), frame, 0, frame.length);
    return values.length === 1 ? values[0] : several(values);
  };
  return { expected, ...options, reader };
}

/** `ignored()` writes nothing: the bytes that it reads are extra bytes. */
const isFurther = (bytes: Uint8Array, at: number): boolean => at === bytes.length;

function mentionsIgnored(node: unknown, seen: Set<unknown> = new Set()): boolean {
  if (typeof node !== "object" || node === null || seen.has(node)) return false;
  seen.add(node);
  if ((node as { kind?: unknown }).kind === "ignored") return true;
  return Object.values(node).some((inner) => mentionsIgnored(inner, seen));
}

/** The definitions that apply to a codec, as laws. @internal */
export function lawsOf(
  definitions: readonly LawDefinition[],
  codec: Codec<never, unknown>,
  arbitrary: Arbitrary<unknown>,
  options: object,
  strict = false,
): Law[] {
  const untyped = options as LawOptions<unknown, unknown>;
  const open = (): Subject => new Subject(codec as Codec<unknown>, arbitrary, untyped, strict);
  return new LawSet(definitions, open).laws;
}
