import { checkInteger, ProtocolError } from "../core/index.ts";
import { framing, type WrappingFraming } from "./framing.ts";

/**
 * Frames that are all of one length, without any header.
 *
 * ```text
 * fixed(5)    68 65 6c 6c 6f
 * ```
 *
 * @param size - bytes of every frame; a value with more or fewer is `unencodable`
 * @throws RangeError if `size` is not a positive integer
 */
export function fixed(size: number): WrappingFraming {
  checkInteger("size", size, 1);
  return framing({
    name: `fixed ${size}`,
    maxFrame: size,
    text: false,
    layout: [{ name: "payload", kind: "payload", size }],
    measure: () => size,
    close(out, start) {
      const length = out.length - start;
      if (length !== size) {
        throw new ProtocolError("unencodable", `frame of ${length} bytes is not one of ${size}`);
      }
    },
  });
}
