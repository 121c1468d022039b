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
  if (typeof options !== "object" || options === null) {
    const list = known.join(", ");
    throw new TypeError(`${name} takes options as an object of ${list}, not ${String(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw new TypeError(`${name} has no option "${key}"; use ${known.join(", ")}`);
  }
}

/**
 * Checks options that are functions, if they are given.
 *
 * @throws TypeError that names the first one that is something else
 * @internal
 */
export function checkFunctions(options: object, names: readonly string[]): void {
  for (const name of names) {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    if (value === undefined || typeof value === "function") continue;
    const found = value === null ? "null" : typeof value;
    throw new TypeError(`${name} must be a function, not ${found}`);
  }
}
