import { type Arbitrary, array, option, record, uint8Array } from "fast-check";
import { type Codec, encodeFrame, ProtocolError } from "../core/index.ts";
import { type Mutation, mutate, mutations } from "./arbitraries/mutated.ts";
import { defineLaw, type LawDefinition } from "./define-law.ts";
import type { Law } from "./law.ts";
import { lawsOf } from "./laws.ts";
import type { LawOptions } from "./options.ts";
import { readStream } from "./stream.ts";
import { type Subject, said, sameBytes } from "./subject.ts";
import { demand } from "./violation.ts";

/** Options for {@link agreement}. */
export type AgreementOptions<Out> = Pick<
  LawOptions<unknown, Out>,
  "equal" | "runs" | "seed" | "refused"
>;

/**
 * Tests that two implementations of one protocol agree: they write the same bytes for each value and refuse
 * the same values, read the same values from the same bytes, and end bad bytes with the same error code
 * after the same frames. Use it to test a faster or a generated codec against the plain one, a rewrite
 * against the original, or your own protocol against a known one.
 *
 * @param one - a protocol, a message protocol or a codec
 * @param other - another implementation, of the same kind
 * @param arbitrary - values that both must write
 * @param options - `equal` compares received values; `refused` are values that neither may write
 *
 * @example
 * ```ts
 * import { defineProtocol, lengthPrefixed, raw, u16be } from "framewright";
 * import { agreement, bytes } from "framewright/testing";
 *
 * const ready = lengthPrefixed({ width: 2 }).wrap(raw());
 * const mine = defineProtocol<Uint8Array>({
 *   name: "mine",
 *   maxFrame: ready.maxFrame,
 *   measure: (bytes, start, end) => (end - start < 2 ? 0 : 2 + u16be(bytes, start)),
 *   decode: (bytes, start, end) => bytes.subarray(start + 2, end),
 *   encode: (body, out) => void out.u16be(body.length).bytes(body),
 * });
 * for (const law of agreement(mine, ready, bytes(ready), { runs: 20 })) await law.check();
 * ```
 */
export function agreement<In, Out>(
  one: Codec<In, Out>,
  other: Codec<NoInfer<In>, NoInfer<Out>>,
  arbitrary: Arbitrary<NoInfer<In>>,
  options: AgreementOptions<NoInfer<Out>> = {},
): Law[] {
  const reader = other as unknown as Codec<never, unknown>;
  const definitions = [sameBytesWritten, sameValuesRead, sameRefusals];
  return lawsOf(definitions, one as Codec<never, unknown>, arbitrary, { ...options, reader }, true);
}

/** The written bytes, or the code of the error. */
function write(writer: ReturnType<Subject["writer"]>, value: unknown): Uint8Array | string {
  try {
    return encodeFrame(writer, value).slice();
  } catch (error) {
    return said(error);
  }
}

const words = (written: Uint8Array | string): string =>
  typeof written === "string" ? `refuses (${written})` : `writes ${written.length} bytes`;

const sameBytesWritten: LawDefinition = defineLaw<[unknown]>({
  name: "agreement on bytes",
  why: "two implementations of one protocol must write the same value in the same way",
  cases: (subject) => [subject.values],
  test(subject, value) {
    const mine = write(subject.writer(), value);
    const theirs = write(subject.reader(), value);
    const agree =
      typeof mine === "string" || typeof theirs === "string"
        ? typeof mine === typeof theirs
        : sameBytes(mine, theirs);
    const text = (): string => `one ${words(mine)}, the other ${words(theirs)}, but different ones`;
    demand(agree, text, { bytes: typeof mine === "string" ? undefined : mine });
    if (typeof mine === "string") subject.tally.tooBig++;
    else subject.tally.written++;
  },
});

interface Input {
  readonly values: readonly unknown[];
  readonly steps: readonly Mutation[] | null;
  readonly junk: Uint8Array | null;
}

const sameValuesRead: LawDefinition = defineLaw<[Input]>({
  name: "agreement on values and errors",
  why: "two implementations of one protocol must read valid and invalid bytes in the same way",
  cases: (subject) => [
    record({
      values: array(subject.values, { minLength: 1, maxLength: 3 }),
      steps: option(mutations, { freq: 4 }),
      junk: option(uint8Array({ maxLength: 12 }), { freq: 2 }),
    }),
  ],
  test(subject, { values, steps, junk }) {
    const { bytes: good } = subject.write(subject.framed ? values : values.slice(0, 1));
    const bytes = junk ?? (steps === null ? good : mutate(good, steps));
    const mine = read(subject, subject.writer(), bytes);
    const theirs = read(subject, subject.reader(), bytes);
    demand(
      mine.said === theirs.said && subject.same(mine.values, theirs.values),
      () =>
        `one reads ${mine.said}, the other ${theirs.said}${mine.said === theirs.said ? ", with different values" : ""}`,
      { bytes },
    );
  },
});

function read(
  subject: Subject,
  reader: ReturnType<Subject["reader"]>,
  bytes: Uint8Array,
): { said: string; values: readonly unknown[] } {
  if (subject.framed) {
    const { ends, values, code } = readStream(subject, reader, [bytes.slice()]);
    return { said: `frames to ${ends.join(", ")}; ${code ?? "end"}`, values: values.flat() };
  }
  try {
    return { said: "a value", values: subject.decode(reader, bytes, 0, bytes.length) };
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { said: error.code, values: [] };
  }
}

const sameRefusals: LawDefinition = defineLaw<[unknown]>({
  name: "agreement on refusals",
  why: "if one implementation refuses to write a value, the other must refuse it too",
  applies: ({ options }) => options.refused !== undefined,
  cases: ({ options }) => [options.refused!],
  test(subject, value) {
    for (const writer of [subject.writer(), subject.reader()]) {
      const written = write(writer, value);
      const text = (): string => `${writer.name} ${words(written)}`;
      demand(typeof written === "string", text);
    }
  },
});
