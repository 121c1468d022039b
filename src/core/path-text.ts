const LONG = 120;
const LONG_NAME = 40;

/**
 * A path in a value, for error texts: `items[3].name`. Names that are not identifiers are quoted; the middle
 * of a long path and the end of a long name are left out.
 *
 * @param path - names of fields and indices, outermost first
 */
export function pathText(path: readonly (string | number)[]): string {
  const text = joined(path);
  if (text.length <= LONG || path.length < 6) return text;
  return `${joined(path.slice(0, 2))} ... ${joined(path.slice(-3))}`;
}

function joined(path: readonly (string | number)[]): string {
  return path
    .map((part, i) => {
      if (typeof part === "number") return `[${part}]`;
      if (part.length <= LONG_NAME && /^[\p{L}$_][\p{L}\p{N}$_-]*$/u.test(part)) {
        return i === 0 ? part : `.${part}`;
      }
      return `[${JSON.stringify(part.slice(0, LONG_NAME))}]`;
    })
    .join("");
}
