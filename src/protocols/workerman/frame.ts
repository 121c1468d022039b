import { checkOptions, type Protocol, raw } from "../../core/index.ts";
import type { FramingOptions } from "../../framing/index.ts";
import { totalLength } from "./total-length.ts";

/** Options for {@link frame}. */
export interface FrameOptions extends FramingOptions {
  /**
   * Copies bodies, instead of returning views of the received chunk.
   * @defaultValue false
   */
  readonly copy?: boolean | undefined;
}

/**
 * Workerman's `Frame` protocol (`Protocols/Frame.php`): a total length, then bytes.
 *
 * ```text
 *   0               4
 *   | total: u32 BE | body: total - 4 bytes |
 *
 *   00 00 00 09 68 65 6c 6c 6f     "hello"
 *   00 00 00 04                    an empty body
 * ```
 *
 * A total below 4 is `malformed` (`length-below-header`): the reference hangs on 0 and loses its
 * place on 1 to 3.
 *
 * @param options - `maxFrame`: largest package, header included (the reference allows 10485760);
 *   `copy`
 * @defaultValue maxFrame 1 MiB, copy false
 *
 * @example
 * ```ts
 * import { encodeFrame } from "framewright";
 * import { frame } from "framewright/workerman";
 *
 * console.log(encodeFrame(frame(), Uint8Array.of(0x68, 0x69)).join(" "));
 * //=> 0 0 0 6 104 105
 * ```
 */
export function frame(options: FrameOptions = {}): Protocol<Uint8Array> {
  checkOptions("frame", options, ["maxFrame", "copy"]);
  return totalLength({ name: "frame", header: 4, codec: raw({ copy: options.copy }) }, options);
}
