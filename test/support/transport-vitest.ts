import { describe, it } from "vitest";
import { type Transport, transportTests } from "./transport-suite.ts";

/** The transport tests as tests of vitest. */
export function describeTransport(transport: Transport): void {
  describe(transport.name, () => {
    for (const { name, run } of transportTests(transport)) it(name, run, 30_000);
  });
}
