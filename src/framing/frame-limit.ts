import { checkedMaxFrame } from "../core/index.ts";

/**
 * Checks the option `maxFrame` of a framing or protocol and fills in its default.
 *
 * @param maxFrame - largest frame in wire bytes, as the user gave it
 * @param least - bytes of the smallest possible frame, usually those of the header
 * @param most - bytes of the largest frame that the header can express; a larger `maxFrame` is lowered to it
 * @returns the limit to use: `maxFrame`, or 1 MiB if it is undefined
 * @defaultValue least 1, most Infinity
 * @throws RangeError if `maxFrame` is not an integer of at least `least`
 *
 * @example
 * ```ts
 * import { frameLimit } from "framewright/framing";
 *
 * const HEADER = 2;
 * console.log(frameLimit(undefined, HEADER, HEADER + 0xffff));
 * //=> 65537
 * ```
 */
export function frameLimit(
  maxFrame: number | undefined,
  least = 1,
  most: number = Infinity,
): number {
  return Math.min(checkedMaxFrame(maxFrame, least), most);
}
