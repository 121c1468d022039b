import { type InvalidPolicy, ProtocolError } from "../core/index.ts";
import { checkPolicy, type PolicyOptions, policy, tolerance } from "./tolerance.ts";

/** Every byte may be tried as the start of a frame of this length. */
const MOST_FRAME = 65_536;

/**
 * A policy for noise between frames, as on serial lines: if no good frame begins at a byte, the next byte is
 * tried.
 *
 * A frame is bad if its mark is wrong, its length is out of range, its codec or checksum fails, or its bytes
 * do not arrive (the option `frameTimeout` of connections, and the end of the stream). Then reading continues
 * one byte later, or where the framing finds the next mark. So frames should begin with a mark and end with a
 * checksum: otherwise noise may be read as a frame. Each run of skipped bytes is reported once, when the next
 * good frame is found.
 *
 * The work is up to `maxFrame` for each byte; framings with a `maxFrame` above 64 KiB are refused.
 *
 * @param options - `most`
 *
 * @example
 * ```ts
 * import { decodeAll, lengthPrefixed, raw } from "framewright";
 * import { resync } from "framewright/framing";
 *
 * const framing = lengthPrefixed({ width: 1, header: Uint8Array.of(0xef, 0xef) });
 * const bytes = Uint8Array.of(0x32, 0xef, 0xef, 2, 0x30, 0x31, 0xef, 0xef, 1, 7);
 * const values = decodeAll(framing.wrap(raw()), bytes, {
 *   onInvalid: resync(),
 *   skipped: ({ length, offset }) => console.log(`${length} skipped at ${offset}`),
 * });
 * console.log(values.map((value) => value.join(" ")));
 * //=> 1 skipped at 0
 * //=> [ '48 49', '7' ]
 * ```
 *
 * @throws RangeError if `most` is not a positive integer
 */
export function resync(options: PolicyOptions = {}): InvalidPolicy {
  checkPolicy("resync", options);
  return policy({
    kind: "resync",
    most: options.most,
    open(framing, stream) {
      const { maxFrame, layout } = framing;
      if (maxFrame > MOST_FRAME) {
        const text = `resync needs a framing with a maxFrame of at most ${MOST_FRAME}, not ${maxFrame}`;
        throw new RangeError(text);
      }
      const state = tolerance(framing, stream, options);
      const goOn = (bytes: Uint8Array, start: number, end: number, ended: boolean): number =>
        framing.recover === undefined ? state.count(1) : state.recover(bytes, start, end, ended);

      return {
        maxFrame,
        layout,
        measure(bytes, start, end, scan) {
          if (state.isLost) {
            const length = goOn(bytes, start, end, scan.ended);
            if (length > 0 || state.isLost) return -length;
          }
          try {
            return state.measure(bytes, start, end, scan);
          } catch (error) {
            if (!(error instanceof ProtocolError)) throw error;
            state.begin(error, start);
            return -goOn(bytes, start, end, scan.ended);
          }
        },
        accept() {
          state.reset();
          state.report();
        },
        reject(error, bytes, start, _, limit) {
          state.checkAlive();
          state.begin(error, start);
          if (state.isLost) return state.giveUp(limit - start);
          return goOn(bytes, start, limit, false);
        },
        finish: state.report,
      };
    },
  });
}
