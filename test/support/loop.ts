/** A clock that stands still unless a handler moves it, and an event loop of rounds, which the test runs. */
export class Loop {
  time = 0;
  asked = 0;
  #soon: (() => void)[] = [];

  readonly clock = {
    now: (): number => {
      this.asked++;
      return this.time;
    },
    after: (): (() => void) => () => {},
    soon: (run: () => void): void => void this.#soon.push(run),
  };

  get isBusy(): boolean {
    return this.#soon.length > 0;
  }

  /** Runs what was to run soon; returns how long it took. */
  round(): number {
    const since = this.time;
    const runs = this.#soon;
    this.#soon = [];
    for (const run of runs) run();
    return this.time - since;
  }

  /** Runs until nothing is left; returns how long each round took. */
  finish(): number[] {
    const took: number[] = [];
    for (let i = 0; this.isBusy; i++) {
      if (i > 100_000) throw new Error("rounds without an end");
      took.push(this.round());
    }
    return took;
  }
}
