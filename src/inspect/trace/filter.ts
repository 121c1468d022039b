import type { TraceEvent } from "../../core/index.ts";

/** Which events of a trace are shown, and whether with their content. */
export interface TraceFilter {
  readonly bytes: boolean;
  shows(event: TraceEvent): boolean;
}

/**
 * Reads a filter: words with commas between them. `1` or `*` is everything; a name is that of a protocol (`goim`, or the
 * first word of it, such as `lines`); a word with `*` is compared with protocol and event: `*error`, `goim*message`.
 * `bytes` shows the content of messages as well.
 */
export function traceFilter(text: string): TraceFilter {
  const words = text.split(",").map((word) => word.trim());
  const patterns = words
    .filter((word) => word !== "" && word !== "bytes")
    .map((word) => new RegExp(`^${word === "1" ? ".*" : patternOf(word)}$`, "i"));
  const isAll = patterns.length === 0;
  return {
    bytes: words.includes("bytes"),
    shows(event) {
      return isAll || patterns.some((pattern) => pattern.test(`${event.name} ${event.type}`));
    },
  };
}

function patternOf(word: string): string {
  const parts = word.split("*").map((part) => part.replace(/[^\w ]/g, "\\$&"));
  return parts.length === 1 ? `${parts[0]}[^\\w].*` : parts.join(".*");
}
