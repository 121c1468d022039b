import type { TransportTest } from "../../support/suite-checks.ts";
import { type Transport, transportTests } from "../../support/transport-suite.ts";

// The transport tests without a test runner: in Node, Bun, Deno and workerd alike.

/** Tests, and what they are about. */
export interface Suite {
  readonly name: string;
  readonly tests: readonly TransportTest[];
  /** Tests that this runtime fails for a reason of its own, and how. They are run, and have to fail like this. */
  readonly fails?: Readonly<Record<string, string>> | undefined;
}

/** What came of the tests: their number, and what went wrong. */
export interface Outcome {
  passed: number;
  readonly failures: string[];
}

// The tests' own waiting gives up sooner; this is for promises that nobody settles.
const GIVE_UP_MS = 40_000;
const GIVE_UP_WHERE_IT_FAILS_MS = 3000;

async function settled(test: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hanging = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("never ends")), ms);
  });
  try {
    await Promise.race([test, hanging]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a test fails with, if it does. */
async function failureOf(test: TransportTest, ms: number): Promise<string | undefined> {
  try {
    await settled(test.run(), ms);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** Runs all tests, one after the other. */
export async function runSuites(
  suites: readonly Suite[],
  onFailure?: (text: string) => void,
): Promise<Outcome> {
  const outcome: Outcome = { passed: 0, failures: [] };
  const fail = (text: string): void => {
    outcome.failures.push(text);
    onFailure?.(text);
  };
  for (const { name, tests, fails = {} } of suites) {
    for (const test of tests) {
      const expected = fails[test.name];
      const ms = expected === undefined ? GIVE_UP_MS : GIVE_UP_WHERE_IT_FAILS_MS;
      const failure = await failureOf(test, ms);
      // A known fault of a runtime does not show in every run: it may depend on timing, or take longer than we wait.
      const isAsExpected =
        failure === undefined ||
        (expected !== undefined && (failure.includes(expected) || failure.includes("never ends")));
      if (!isAsExpected) fail(`${name}: ${test.name}: ${failure}`);
      else if (failure === undefined) outcome.passed++;
    }
    const unknown = Object.keys(fails).filter(
      (known) => !tests.some((test) => test.name === known),
    );
    for (const known of unknown) fail(`${name}: ${known}: there is no such test`);
  }
  return outcome;
}

/** The transport tests of each. */
export function suitesOf(transports: readonly Transport[]): Suite[] {
  return transports.map((transport) => ({
    name: transport.name,
    tests: transportTests(transport),
  }));
}

/** For a program of its own: prints what fails as it does, in case that it hangs, and what came of it as the last line. */
export async function report(suites: readonly Suite[]): Promise<void> {
  console.log(JSON.stringify(await runSuites(suites, (text) => console.error(text))));
}
