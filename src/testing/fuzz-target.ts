import type { Codec } from "../core/index.ts";
import { equal } from "./equal.ts";
import { shown } from "./show.ts";
import { type Outcome, outcomeOf, subjectOf } from "./vectors/outcome.ts";

/**
 * Makes a function for fuzzers. It reads any bytes as if a peer had sent them, in one chunk and in pieces,
 * and throws if the result is neither a value nor a ProtocolError, or depends on the pieces.
 *
 * Jazzer.js accepts it directly: `module.exports.fuzz = fuzzTarget(protocol)`.
 *
 * @param protocol - a protocol, a message protocol or a codec
 *
 * @example
 * ```ts
 * import { lines, utf8 } from "framewright";
 * import { fuzzTarget } from "framewright/testing";
 *
 * const target = fuzzTarget(lines().wrap(utf8()));
 * target(Uint8Array.of(0x68, 0x69, 0x0a, 0xff));
 * ```
 */
export function fuzzTarget<In, Out>(protocol: Codec<In, Out>): (bytes: Uint8Array) => void {
  const subject = subjectOf(protocol);
  return (bytes) => {
    const plain = Uint8Array.from(bytes);
    const together = outcomeOf(subject, plain);
    if (!subject.framed || subject.loose) return;
    for (const step of [1, 7]) {
      const cuts: number[] = [];
      for (let at = step; at < plain.length; at += step) cuts.push(at);
      const apart = outcomeOf(subject, plain, cuts);
      if (!isSame(together, apart)) {
        const text = `in one piece ${words(together)}, in pieces of ${step} bytes ${words(apart)}`;
        throw new Error(`${subject.name} reads ${plain.length} bytes in two ways: ${text}`);
      }
    }
  };
}

const isSame = (a: Outcome, b: Outcome): boolean =>
  a.error === b.error && equal(a.values, b.values);

const words = ({ values, error }: Outcome): string =>
  `${values.length} values ${shown(values)} and ${error ?? "no error"}`;
