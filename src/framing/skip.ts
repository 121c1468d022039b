import { type InvalidPolicy, ProtocolError } from "../core/index.ts";
import { checkPolicy, type PolicyOptions, policy, tolerance } from "./tolerance.ts";

/**
 * A policy for bad frames with a known end: each is skipped completely and reported, and the next one is
 * read.
 *
 * | bad input | skipped bytes |
 * |---|---|
 * | a frame whose codec or checksum fails | the frame |
 * | an announced length above `maxFrame` | that many bytes |
 * | `maxFrame` bytes without a delimiter | everything up to the delimiter |
 * | anything else, after which the framing can find the next frame (a mark, a flag) | everything up to there |
 * | anything else | nothing: the stream ends with the error |
 *
 * Nothing of a skipped frame is kept in memory once it is known to be bad. A stream that ends inside a good frame still
 * ends with `truncated`.
 *
 * @param options - `most`
 *
 * @example
 * ```ts
 * import { decodeAll, json, lines } from "framewright";
 * import { skip } from "framewright/framing";
 *
 * const bytes = Uint8Array.from('{"a":1}\nstarting up\n{"a":2}\n', (c) => c.charCodeAt(0));
 * const values = decodeAll(lines().wrap(json()), bytes, {
 *   onInvalid: skip(),
 *   skipped: ({ error, length, offset }) => console.log(`${length} at ${offset}: ${error.code}`),
 * });
 * console.log(values);
 * //=> 12 at 8: malformed
 * //=> [ { a: 1 }, { a: 2 } ]
 * ```
 *
 * @throws RangeError if `most` is not a positive integer
 */
export function skip(options: PolicyOptions = {}): InvalidPolicy {
  checkPolicy("skip", options);
  return policy({
    kind: "skip",
    most: options.most,
    open(framing, stream) {
      const state = tolerance(framing, stream, options);
      /** Bytes of a bad frame that have not arrived yet. */
      let left = 0;
      const pass = (here: number): number => {
        const length = state.count(Math.min(left, here));
        left -= length;
        if (left === 0) state.report();
        return length;
      };
      const recover = (bytes: Uint8Array, start: number, end: number, ended: boolean): number => {
        const length = state.recover(bytes, start, end, ended);
        if (!state.isLost) state.report();
        return length;
      };

      return {
        maxFrame: framing.maxFrame,
        layout: framing.layout,
        measure(bytes, start, end, scan) {
          if (left > 0) return -pass(end - start);
          if (state.isLost) {
            const length = recover(bytes, start, end, scan.ended);
            if (length > 0 || state.isLost) return -length;
          }
          try {
            return state.measure(bytes, start, end, scan);
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error;
            const length = state.tooLong();
            if (length === 0 && framing.recover === undefined) return state.stop(error);
            state.begin(error, start);
            if (length === 0) return -recover(bytes, start, end, scan.ended);
            state.check(length);
            left = length;
            return -pass(end - start);
          }
        },
        accept: state.reset,
        reject(error, _, start, end, limit) {
          state.checkAlive();
          // The end of an incomplete frame is not known.
          if (end === start && !state.isLost) return state.stop(error);
          state.begin(error, start);
          const length = state.giveUp((state.isLost ? limit : end) - start);
          state.report();
          return length;
        },
        finish: state.report,
      };
    },
  });
}
