import { ProtocolError } from "../../src/index.ts";

// What the transport tests check with: no test runner, so that they run in every runtime.

/** One test. */
export interface TransportTest {
  readonly name: string;
  run(): Promise<void>;
}

/** Throws unless it is so. */
export function check(fact: boolean, text: string): asserts fact {
  if (!fact) throw new Error(text);
}

/** Throws unless both are the same as JSON. */
export function equal(found: unknown, wanted: unknown, what: string): void {
  const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
  check(left === right, `${what}: ${left}, not ${right}`);
}

/** Waits until it is so. The time only says when to give up. */
export async function until(fact: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 15_000; Date.now() < end; ) {
    if (await fact()) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`never: ${what}`);
}

/** The code of a ProtocolError; any other error as text. */
export const codeOf = (error: unknown): unknown =>
  error instanceof ProtocolError ? error.code : String(error);
