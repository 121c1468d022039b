/**
 * Checks that options are an object without unknown names, because a misspelt option would silently do nothing.
 *
 * @param name - name of the function that takes the options, for the error text
 * @param options - the options as the user gave them
 * @param known - names of the options it takes
 * @throws TypeError that names the unknown option and the known ones
 *
 * @example
 * ```ts
 * import { checkOptions } from "framewright/framing";
 *
 * const options: object = { maxframe: 1024 };
 * try {
 *   checkOptions("packets", options, ["maxFrame", "copy"]);
 * } catch (error) {
 *   console.log(String(error));
 * }
 * //=> TypeError: packets has no option "maxframe"; use maxFrame, copy
 * ```
 */
export function checkOptions(name: string, options: object, known: readonly string[]): void {
  const list = known.join(", ");
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${name} takes options as an object of ${list}, not ${String(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) throw new TypeError(`${name} has no option "${key}"; use ${list}`);
  }
}
