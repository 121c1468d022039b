import { ProtocolError } from "../core/index.ts";
import { framing, type WrappingFraming } from "./framing.ts";

/**
 * Frames that are all of one length, without any header.
 *
 * @param size - bytes of every frame; a value with more or fewer is `unencodable`
 * @throws RangeError when `size` is not a positive integer
 */
export function fixed(size: number): WrappingFraming {
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new RangeError(`fixed: size must be a positive integer, not ${size}`);
  }
  return framing({
    name: `fixed ${size}`,
    maxFrame: size,
    text: false,
    measure: () => size,
    close(out, start) {
      const length = out.length - start;
      if (length !== size) {
        throw new ProtocolError("unencodable", `frame of ${length} bytes is not one of ${size}`);
      }
    },
  });
}
