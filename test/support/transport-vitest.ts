import { describe, it } from "vitest";
import { type Datagrams, datagramTests } from "./datagram-suite.ts";
import type { TransportTest } from "./suite-checks.ts";
import { type Transport, transportTests } from "./transport-suite.ts";

/** The transport tests as tests of vitest. */
export function describeTransport(transport: Transport): void {
  describe(transport.name, () => {
    for (const { name, run } of transportTests(transport)) it(name, run, 30_000);
  });
}

/** The tests of endpoints as tests of vitest. */
export function describeDatagrams(datagrams: Datagrams): void {
  describe(datagrams.name, () => {
    for (const { name, run } of datagramTests(datagrams)) it(name, run, 30_000);
  });
}

/** Tests of streams as tests of vitest. */
export function describeStreams(name: string, tests: readonly TransportTest[]): void {
  describe(name, () => {
    for (const test of tests) it(test.name, test.run, 60_000);
  });
}
