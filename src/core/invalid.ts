import type { ProtocolError } from "./errors.ts";
import type { Framing } from "./protocol.ts";
import type { Splitter } from "./splitter.ts";

/** Input that a policy skipped. */
export interface Skipped {
  /** Why the first of these bytes are not a frame. */
  readonly error: ProtocolError;
  /** How many bytes were skipped. */
  readonly length: number;
  /** Position in the stream of the first of them. */
  readonly offset: number;
}

/**
 * What to do with bytes that are not a frame, in place of ending the stream. Made by `skip` and `resync` of
 * `framewright/framing`.
 */
export interface InvalidPolicy {
  /** `'skip'`: pass over the whole bad frame. `'resync'`: look for the next frame, byte by byte. */
  readonly kind: "skip" | "resync";

  /**
   * Most bytes that are skipped in a row; more are the ordinary error.
   * @defaultValue 16 times `maxFrame`
   */
  readonly most?: number | undefined;

  /**
   * Puts the policy to work on one stream. Called by `Splitter` and the like.
   *
   * @param framing - finds the frames
   * @param stream - where it works
   * @throws RangeError if the policy does not suit the framing
   */
  open(framing: Framing, stream: PolicyStream): TolerantFraming;

  /** Makes the splitter that can skip. @internal */
  splitter(framing: Framing, options: InvalidOptions): Splitter;
}

/** The stream that a policy works on. */
export interface PolicyStream {
  /** Returns the position in the stream of the byte at index `at` of the bytes at hand. */
  offset(at: number): number;
  /** Reports skipped input. */
  skipped(skipped: Skipped): void;
}

/** A policy at work on one stream: a framing that has bytes skipped which are not a frame. Has a state. */
export interface TolerantFraming extends Framing {
  /** The frame that was found last is good. */
  accept(): void;

  /**
   * The frame `bytes[start .. end)` is bad; or, if `end` is `start`, the incomplete one that begins there.
   *
   * @param error - why, its offset an index in `bytes`
   * @param limit - where the bytes at hand end
   * @returns how many bytes to pass over from `start` on, at least 1
   * @throws ProtocolError `error`, or that of the bytes skipped before, if it cannot be skipped
   */
  reject(
    error: ProtocolError,
    bytes: Uint8Array,
    start: number,
    end: number,
    limit: number,
  ): number;

  /** Nothing follows: reports what is not reported yet. */
  finish(): void;
}

/** What happens to bytes that are not a frame. */
export interface InvalidOptions {
  /**
   * Skips them, by `skip()` or `resync()` of `framewright/framing`.
   * @defaultValue none: they end the stream with an error
   */
  readonly onInvalid?: InvalidPolicy | undefined;

  /** Called for input that was skipped: once for each bad frame with `skip`, once for each run of it with `resync`. */
  readonly skipped?: ((skipped: Skipped) => void) | undefined;
}
