/**
 * The memory of a framing between calls: what calls of `measure` that returned 0 leave for the next call on the same
 * frame. It belongs to the caller (`Splitter`, the one-shot functions), which resets it when a frame is found or
 * refused. A fresh scan always gives the same answer, only slower.
 *
 * A framing that asks another one passes its `scan` on with the same `start`, or keeps a scan of its own in `memo`.
 */
export interface Scan {
  /**
   * How many bytes of this frame need not be looked at again. More than are here: `measure` is called again only when
   * that many are (or `ended`). More than `maxFrame`: the frame is `too-long` at once.
   */
  at: number;
  /** For the framing's own use: which part of the frame it is in. */
  state: number;
  /** For the framing's own use: how many items are left, how deep it is. */
  count: number;
  /** For the framing's own use: anything else. Undefined at the first call. */
  memo: unknown;
  /**
   * True if all that is left of the input is shown and nothing follows. Then `n` up to what is left is a frame, `-n`
   * discards, 0 or more is `truncated`.
   */
  readonly ended: boolean;
}

/** A scan as its owner sees it: the end of the input is the owner's to tell. */
export interface OwnScan extends Scan {
  ended: boolean;
}

/**
 * Makes a fresh scan, for calling `measure` yourself.
 *
 * @param ended - true if nothing follows the bytes that are shown
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
