/** One UTF-16 unit as an escape of JSON and JavaScript: `\u003c`. */
export function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
