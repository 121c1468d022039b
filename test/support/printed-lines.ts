import { afterEach, beforeEach, vi } from "vitest";

/** The lines that each test of a file prints as errors; nothing reaches the console. Call it outside of tests. */
export function printedLines(): string[] {
  const lines: string[] = [];
  beforeEach(() => {
    lines.length = 0;
    vi.spyOn(console, "error").mockImplementation((line: string) => void lines.push(line));
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
  return lines;
}
