import type { ProtocolError } from "./errors.ts";
import type { Framing } from "./protocol.ts";
import type { Splitter } from "./splitter.ts";

/** Input that a policy skipped. */
export interface Skipped {
  /** The reason why the first of these bytes are not a frame. */
  readonly error: ProtocolError;
  /** Number of skipped bytes. */
  readonly length: number;
  /** Position of the first skipped byte in the stream. */
  readonly offset: number;
}

/**
 * A policy for bytes that are not a frame, instead of ending the stream. Made by `skip` and `resync` of
 * `framewright/framing`.
 */
export interface InvalidPolicy {
  /** `'skip'`: pass over the whole bad frame. `'resync'`: look for the next frame, byte by byte. */
  readonly kind: "skip" | "resync";

  /**
   * Maximum number of bytes skipped in a row; more end the stream with the error of the bad input.
   * @defaultValue 16 times `maxFrame`
   */
  readonly most?: number | undefined;

  /**
   * Starts the policy for one stream. Called by `Splitter` and similar classes.
   *
   * @param framing - finds the frames
   * @param stream - the stream
   * @throws RangeError if the policy does not suit the framing
   */
  open(framing: Framing, stream: PolicyStream): TolerantFraming;

  /** Makes a splitter that can skip. @internal */
  splitter(framing: Framing, options: InvalidOptions): Splitter;
}

/** The stream that a policy works on. */
export interface PolicyStream {
  /** Returns the position in the stream of the byte at index `at` of the available bytes. */
  offset(at: number): number;
  /** Reports skipped input. */
  skipped(skipped: Skipped): void;
}

/** A policy started for one stream: a framing that skips bytes which are not a frame. It has a state. */
export interface TolerantFraming extends Framing {
  /** Reports that the last frame found is good. */
  accept(): void;

  /**
   * Reports that the frame `bytes[start .. end)` is bad; or, if `end` is `start`, the incomplete one that
   * begins there.
   *
   * @param error - why, its offset an index in `bytes`
   * @param limit - end of the available bytes
   * @returns how many bytes to skip from `start` on, at least 1
   * @throws ProtocolError `error`, or that of the bytes skipped before, if it cannot be skipped
   */
  reject(
    error: ProtocolError,
    bytes: Uint8Array,
    start: number,
    end: number,
    limit: number,
  ): number;

  /** Ends the input: reports skipped bytes that were not reported yet. */
  finish(): void;
}

/** How to treat bytes that are not a frame. */
export interface InvalidOptions {
  /**
   * Skips them, by `skip()` or `resync()` of `framewright/framing`.
   * @defaultValue none: they end the stream with an error
   */
  readonly onInvalid?: InvalidPolicy | undefined;

  /** Called for input that was skipped: once for each bad frame with `skip`, once for each run of it with `resync`. */
  readonly skipped?: ((skipped: Skipped) => void) | undefined;
}
