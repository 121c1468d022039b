import { valueText } from "../../src/core/index.ts";
import { visibleLines } from "./shown.ts";

/** Most characters that are shown. */
const MOST_JSON = 100_000;

/** Values as JSON with indents: one value as itself, several as a list. */
export function prettyJson(values: readonly unknown[]): string {
  const value = JSON.parse(valueText(values.length === 1 ? values[0] : values)) as unknown;
  return limited(JSON.stringify(value, null, 2));
}

/** A line for each value, as far as they fit. */
export function jsonLines(each: Iterable<unknown>): string {
  let text = "";
  for (const value of each) {
    text += `${valueText(value)}\n`;
    if (text.length > MOST_JSON) return `${visibleLines(text.slice(0, MOST_JSON))}\n... and more`;
  }
  return visibleLines(text);
}

function limited(text: string): string {
  const rest = text.length - MOST_JSON;
  if (rest <= 0) return visibleLines(text);
  return `${visibleLines(text.slice(0, MOST_JSON))}\n... ${rest.toLocaleString("en-US")} more characters`;
}
