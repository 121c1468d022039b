import { asProtocolError, type ProtocolError, rebased } from "./errors.ts";
import type { InvalidOptions, Skipped, TolerantFraming } from "./invalid.ts";
import { OwnSplitter } from "./own-splitter.ts";
import type { Framing } from "./protocol.ts";

/*
 * A started policy is a framing around the framing: it returns -n instead of an error, and the skipped bytes
 * are not copied. For every frame found, it is informed whether the frame was good.
 */

/** A splitter that skips bad input. */
export class TolerantSplitter extends OwnSplitter {
  readonly #options: InvalidOptions;
  /** The started policy; it is also `framing`. */
  #policy: TolerantFraming;
  /** Skipped input that is not reported yet; undefined until the policy is started. */
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

  /** Errors of a policy already have hints. */
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

  /** Skips the bytes that the policy skips instead of this error. */
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

  /** Informs the policy that its stream ends here, or continues elsewhere. */
  #leave(): void {
    this.accept();
    this.#run(() => this.#policy.finish());
  }

  /**
   * Runs a function that may skip input, and then reports the skipped input, so a callback that throws does
   * no harm.
   */
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
