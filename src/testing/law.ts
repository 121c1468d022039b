/** One law that a protocol is tested against, for any test runner: `test(law.name, law.check)`. */
export interface Law {
  /** Short name. It does not depend on the protocol. */
  readonly name: string;
  /** One sentence: the failure in practice if a protocol breaks this law. */
  readonly why: string;
  /**
   * Tests the law with many values. Does not use `this`.
   * @throws LawError with the smallest counterexample found
   */
  check(this: void): void | Promise<void>;
  /**
   * Findings of the last `check` that are not failures, for example another spelling that is read as the
   * same value. vitest shows them as annotations of the test, node:test as diagnostics.
   */
  readonly notes?: readonly string[] | undefined;
}
