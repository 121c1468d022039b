import type { OnReadOpts } from "node:net";

/** Below this, a slab would be used up by a few reads. */
const LEAST = 4096;

/**
 * Memory that a socket reads into, in place of fresh memory for each read. What was read is handed out for good, so a slab
 * is only ever appended to:
 *
 * ```text
 *   | read | read |  read  |   the next read goes here   |
 *     handed out             less than 1/16 left: a new slab
 * ```
 *
 * @param size - bytes of a slab
 * @param received - gets what was read; answers whether to read on
 * @returns the option `onread` of `net.connect` and `tls.connect`
 * @throws RangeError for a size that is not an integer of at least 4096
 */
export function slabReader(
  size: number,
  received: (bytes: Uint8Array<ArrayBuffer>) => boolean,
): OnReadOpts {
  if (!Number.isSafeInteger(size) || size < LEAST) {
    throw new RangeError(`slab of ${size} bytes: an integer of at least ${LEAST} was expected`);
  }
  let slab = new Uint8Array(size);
  let used = 0;
  return {
    // Asked for before the first read, and after each one.
    buffer() {
      if (size - used < size / 16) {
        slab = new Uint8Array(size);
        used = 0;
      }
      return slab.subarray(used);
    },
    callback(length) {
      const start = used;
      used += length;
      return received(slab.subarray(start, used));
    },
  };
}
