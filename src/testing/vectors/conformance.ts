import { type Arbitrary, sample } from "fast-check";
import { type Codec, checkInteger, checkOptions } from "../../core/index.ts";
import type { Field } from "../../fields/index.ts";
import { mutated } from "../arbitraries/mutated.ts";
import { equal } from "../equal.ts";
import { hexView as rows } from "../hex.ts";
import type { Law } from "../law.ts";
import { shown } from "../show.ts";
import { complete, type Subject, sameBytes } from "../subject.ts";
import { outcomeOf, subjectOf } from "./outcome.ts";
import { fromHex, fromPortable, toHex, toPortable } from "./portable.ts";
import { type Program, startProgram } from "./program.ts";
import { valuesFor, written } from "./vectors-of.ts";

/** Options for {@link conformance}. */
export interface ConformanceOptions<in out In, in out Out> {
  /**
   * The values to test with.
   * @defaultValue values of the description, by `valuesOf`; required for a protocol without a description
   */
  readonly values?: Arbitrary<In> | undefined;
  /** Additional bytes with their values: the result of `vectorsOf`, or golden ones. In hex, or as bytes. */
  readonly vectors?:
    | readonly (readonly [bytes: string | Uint8Array, value: In & Out])[]
    | undefined;
  /**
   * Compares two received values.
   * @defaultValue {@link equal}, which compares contents and ignores prototypes
   */
  readonly equal?: ((a: Out, b: Out) => boolean) | undefined;
  /**
   * Number of values for each test.
   * @defaultValue 200
   */
  readonly runs?: number | undefined;
  /**
   * The same seed makes the same values.
   * @defaultValue 0
   */
  readonly seed?: number | undefined;
  /**
   * Time limit for one answer of the program, in milliseconds.
   * @defaultValue 10000
   */
  readonly timeout?: number | undefined;
}

/**
 * Tests an implementation of the protocol in another language: a program that answers questions on its
 * standard input, each a line of JSON.
 *
 * | question | answer |
 * |---|---|
 * | `{"encode": value}` | `{"hex": "..."}`, or `{"error": "unencodable"}` |
 * | `{"decode": "hex"}` | `{"values": [...]}`, with `"error": code` if an error follows these values |
 *
 * {@link vectorsOf} describes how values are written in JSON. Error codes are not compared: it is enough
 * that both sides report an error. The program is started once for each test, and its input ends with the
 * test. Only in Node, Bun and Deno.
 *
 * @param protocol - a protocol, a message protocol or a codec; needs `values`, unless it was made by
 *   `protocolOf`
 * @param command - a program and its arguments, for example `["python3", "words.py"]`
 *
 * @example
 * ```ts
 * import { protocolOf, struct, u8, utf8 } from "framewright/fields";
 * import { conformance } from "framewright/testing";
 *
 * const names = protocolOf(struct({ id: u8, name: utf8(u8) }), { name: "names" });
 * const tests = conformance(names, ["python3", "names.py"]);
 * console.log(tests.map(({ name }) => name).join(", "));
 * //=> reads what we write, writes what we write, reads what we read, vectors
 * ```
 *
 * @throws TypeError without values or without a command
 */
export function conformance<In, Out>(
  protocol: Codec<In, Out> & { readonly field?: Field<In, Out> | undefined },
  command: readonly string[],
  options: ConformanceOptions<NoInfer<In>, NoInfer<Out>> = {},
): Law[] {
  const known = ["values", "vectors", "equal", "runs", "seed", "timeout"];
  checkOptions("conformance", options, known);
  if (!Array.isArray(command) || typeof command[0] !== "string") {
    throw new TypeError('conformance needs a command, such as ["python3", "words.py"]');
  }
  const { runs = 200, seed = 0, timeout = 10_000 } = options;
  checkInteger("runs", runs, 1);
  const same = (options.equal as ((a: unknown, b: unknown) => boolean) | undefined) ?? equal;
  const values = valuesFor("conformance", protocol, options.values);
  const whole = complete(protocol as unknown as Codec<unknown>);
  const subject = subjectOf(protocol);
  const drawn = (): unknown[] => sample(values, { numRuns: runs, seed });

  const asked = (
    name: string,
    why: string,
    run: (program: Program, fault: (text: string, bytes?: Uint8Array) => Error) => Promise<void>,
  ): Law => ({
    name,
    why,
    async check() {
      const program = startProgram(command, timeout);
      try {
        await run(program, (text, bytes) => {
          const view =
            bytes === undefined
              ? []
              : rows(bytes)
                  .split("\n")
                  .map((line) => `    ${line}`);
          const head = `${command.join(" ")} does not speak ${whole.name}: ${text}`;
          return new Error([head, ...view, `  seed: ${seed}`].join("\n"));
        });
      } finally {
        await program.stop();
      }
    },
  });

  return [
    asked(
      "reads what we write",
      "each side must read everything that the other writes",
      async (program, fault) => {
        for (const value of drawn()) {
          const frame = written(whole, value);
          if (frame === undefined) continue;
          await checkRead(program, subject, frame, same, fault);
        }
      },
    ),
    asked(
      "writes what we write",
      "two implementations must write a value in the same way",
      async (program, fault) => {
        for (const value of drawn()) {
          const frame = written(whole, value);
          const answer = await program.ask({ encode: toPortable(value) });
          if (frame === undefined) {
            if ("error" in answer) continue;
            throw fault(`it writes ${shown(value)} as ${String(answer.hex)}, but we refuse it`);
          }
          if (typeof answer.hex !== "string") {
            throw fault(`for ${shown(value)} it answers ${shown(answer)} instead of`, frame);
          }
          if (!sameBytes(fromHex(answer.hex), frame)) {
            throw fault(`it writes ${shown(value)} as ${answer.hex} instead of`, frame);
          }
        }
      },
    ),
    asked(
      "reads what we read",
      "damaged bytes must end in the same way on both sides",
      async (program, fault) => {
        for (const [i, value] of drawn().entries()) {
          const frame = written(whole, value);
          if (frame === undefined) continue;
          const [bytes] = sample(mutated(frame), { numRuns: 1, seed: seed + i });
          await checkRead(program, subject, bytes!, same, fault);
        }
      },
    ),
    asked(
      "vectors",
      "bytes from other implementations find mistakes that two programs of one team share",
      async (program, fault) => {
        for (const [given, value] of options.vectors ?? []) {
          const bytes = typeof given === "string" ? fromHex(given) : given;
          const read = await program.ask({ decode: toHex(bytes) });
          const got = fromPortable(read.values) as unknown[];
          if (!Array.isArray(got) || got.length !== 1 || !same(got[0], value)) {
            throw fault(`it reads ${shown(got)} instead of ${shown(value)}`, bytes);
          }
          const { hex } = await program.ask({ encode: toPortable(value) });
          if (hex !== toHex(bytes))
            throw fault(`it writes ${shown(value)} as ${shown(hex)} instead of`, bytes);
        }
      },
    ),
  ];
}

/** Requires that both read the same values from these bytes, and that both or neither report an error. */
async function checkRead(
  program: Program,
  subject: Subject,
  bytes: Uint8Array,
  same: (a: unknown, b: unknown) => boolean,
  fault: (text: string, bytes: Uint8Array) => Error,
): Promise<void> {
  const ours = outcomeOf(subject, bytes);
  const answer = await program.ask({ decode: toHex(bytes) });
  const values = fromPortable(answer.values ?? []) as unknown[];
  const isSame =
    Array.isArray(values) &&
    values.length === ours.values.length &&
    values.every((value, i) => same(value, ours.values[i])) &&
    (answer.error === undefined) === (ours.error === undefined);
  if (isSame) return;
  const theirs = `${shown(values)} and ${answer.error === undefined ? "no error" : shown(answer.error)}`;
  const wanted = `${shown(ours.values)} and ${ours.error ?? "no error"}`;
  throw fault(`it reads ${theirs} instead of ${wanted}`, bytes);
}
