import type { TraceEvent } from "../../core/index.ts";

/** The events of a trace to show, with or without their content. */
export interface TraceFilter {
  readonly bytes: boolean;
  shows(event: TraceEvent): boolean;
}

/**
 * Reads a filter: words separated by commas. `1` or `*` selects everything; a name selects a protocol
 * (`goim`, or the first word of its name, for example `lines`); a word with `*` is matched against protocol
 * and event: `*error`, `goim*message`. `bytes` adds the content of messages.
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
