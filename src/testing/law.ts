/** One law that a protocol is tested against, for any test runner: `test(law.name, law.check)`. */
export interface Law {
  /** A few words, the same for every protocol. */
  readonly name: string;
  /** One sentence: what goes wrong if a protocol breaks it. */
  readonly why: string;
  /**
   * Tests the law with many values. Does not use `this`.
   * @throws LawError with the smallest counterexample found
   */
  check(this: void): void | Promise<void>;
  /**
   * Findings of the last `check` that break nothing, such as other spellings of a value that are read, too. In vitest they
   * are also annotations of the test, in node:test diagnostics.
   */
  readonly notes?: readonly string[] | undefined;
}
