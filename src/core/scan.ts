/**
 * The state of a framing between calls of `measure` for the same frame, until one returns a length. It
 * belongs to the caller (`Splitter`, the one-shot functions), which resets it when a frame is found or
 * rejected. A fresh scan always leads to the same result, only slower.
 *
 * A framing that calls another one passes its `scan` on with the same `start`, or keeps a scan of its own in
 * `memo`.
 */
export interface Scan {
  /**
   * How many bytes of this frame need not be looked at again. If it is more than the available bytes,
   * `measure` is called again only when that many are available (or `ended`). If it is more than `maxFrame`,
   * the frame is `too-long` at once.
   */
  at: number;
  /** For the framing's own use: for example the current part of the frame. */
  state: number;
  /** For the framing's own use: for example the number of items left, or the depth. */
  count: number;
  /** For the framing's own use: anything else. Undefined at the first call. */
  memo: unknown;
  /**
   * True if these are the last bytes of the input. Then `n` up to their number is a frame, `-n` skips bytes,
   * and 0 or a larger `n` is `truncated`.
   */
  readonly ended: boolean;
}

/** A scan for its owner, which may set the end of the input. */
export interface OwnScan extends Scan {
  ended: boolean;
}

/**
 * Makes a fresh scan, for calling `measure` yourself.
 *
 * @param ended - true if nothing follows the bytes passed to `measure`
 * @defaultValue ended false
 *
 * @example
 * ```ts
 * import { lines } from "framewright";
 * import { newScan } from "framewright/framing";
 *
 * const bytes = Uint8Array.of(0x68, 0x69, 0x0a, 0x2e);
 * console.log(lines().measure(bytes, 0, bytes.length, newScan()));
 * //=> 3
 * ```
 */
export function newScan(ended = false): OwnScan {
  return { at: 0, state: 0, count: 0, memo: undefined, ended };
}

/** Makes a scan fresh again, for the next frame. */
export function resetScan(scan: OwnScan): void {
  scan.at = 0;
  scan.state = 0;
  scan.count = 0;
  scan.memo = undefined;
}
