import { asProtocolError, type ProtocolError, rebased } from "./errors.ts";
import type { InvalidOptions, Skipped, TolerantFraming } from "./invalid.ts";
import { OwnSplitter } from "./own-splitter.ts";
import type { Framing } from "./protocol.ts";

/*
 * A policy at work is a framing around the framing: in place of an error it answers -n, and bytes that are skipped are
 * passed over where they lie. It is told of every frame that was found whether it was good.
 */

/** A splitter that skips bad input. */
export class TolerantSplitter extends OwnSplitter {
  readonly #options: InvalidOptions;
  /** The policy at work; it is `framing`, too. */
  #policy: TolerantFraming;
  /** Skipped input that is not reported yet; undefined while the policy is not at work. */
  #skipped: Skipped[] | undefined;

  /** @param options - with `onInvalid` */
  constructor(framing: Framing, options: InvalidOptions) {
    super(framing);
    this.#options = options;
    this.#policy = this.#open(framing);
  }

  /** Puts the policy in front of the framing. */
  #open(framing: Framing): TolerantFraming {
    const policy = this.#options.onInvalid!.open(framing, {
      offset: (at) => this.origin + at,
      skipped: (skipped) => this.#skipped?.push(skipped),
    });
    this.framing = policy;
    return policy;
  }

  override next(): boolean {
    if (this.#skipped !== undefined) return super.next();
    return this.#run(() => {
      this.accept();
      return super.next();
    });
  }

  override finish(): void {
    this.#run(() => super.finish());
  }

  override accept(): void {
    if (this.end > this.start) this.#run(() => this.#policy.accept());
  }

  override reject(error: unknown): void {
    if (this.error !== undefined) throw this.error;
    this.#run(() => {
      const { start, end } = this;
      this.#pass(asProtocolError(error, "malformed", "decode failed", start), end);
      this.drained = false;
    });
  }

  override rest(): Uint8Array {
    this.#leave();
    return super.rest();
  }

  override use(framing: Framing): void {
    this.#leave();
    this.#policy = this.#open(framing);
    super.use(this.#policy);
  }

  /** What a policy throws says more already. */
  protected override explained(error: ProtocolError): ProtocolError {
    return error;
  }

  protected override leftOver(error: ProtocolError): void {
    this.#pass(error, this.start);
  }

  protected override findLast(): boolean {
    const isFound = super.findLast();
    if (!isFound && this.finished) this.#policy.finish();
    return isFound;
  }

  /** Passes over what the policy skips in place of this error. */
  #pass(error: ProtocolError, end: number): void {
    try {
      if (this.start === this.limit) throw error;
      this.pass(this.#policy.reject(error, this.bytes, this.start, end, this.limit));
    } catch (thrown) {
      this.fail(rebased(thrown as ProtocolError, this.origin));
    }
    this.forget();
    this.start = this.end;
  }

  /** The policy is told that its stream ends here, or goes on elsewhere. */
  #leave(): void {
    this.accept();
    this.#run(() => this.#policy.finish());
  }

  /** Runs something that may skip input, and then reports it: a callback that throws does no harm. */
  #run<T>(run: () => T): T {
    if (this.#skipped !== undefined) return run();
    const skipped: Skipped[] = [];
    this.#skipped = skipped;
    try {
      return run();
    } finally {
      this.#skipped = undefined;
      for (const one of skipped) this.#options.skipped?.(one);
    }
  }
}
