import type { OnReadOpts } from "node:net";

/** Smallest slab: a few reads would fill a smaller one. */
const LEAST = 4096;

/**
 * Memory that a socket reads into, instead of fresh memory for each read. Bytes that were read are never
 * overwritten: a slab is only appended to.
 *
 * ```text
 *   | read | read |  read  |   the next read goes here   |
 *     handed out             less than 1/16 left: a new slab
 * ```
 *
 * @param size - size of a slab, in bytes
 * @param received - called with the bytes of each read; returns true to continue reading
 * @returns the option `onread` of `net.connect` and `tls.connect`
 * @throws RangeError for a size that is not an integer of at least 4096
 */
export function slabReader(
  size: number,
  received: (bytes: Uint8Array<ArrayBuffer>) => boolean,
): OnReadOpts {
  if (!Number.isSafeInteger(size) || size < LEAST) {
    throw new RangeError(`slab must be an integer of at least ${LEAST}, not ${size}`);
  }
  let slab = new Uint8Array(size);
  let used = 0;
  return {
    // Called before the first read, and after each one.
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
