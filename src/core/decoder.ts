import { decodeValue, decodeValues, forOneStream } from "./frames.ts";
import type { InvalidOptions } from "./invalid.ts";
import { newSplitter } from "./own-splitter.ts";
import type { Protocol } from "./protocol.ts";
import type { Splitter } from "./splitter.ts";

/**
 * The values of a stream of chunks: a `Splitter` that decodes, for transports that are not connections
 * (transform streams). An error is final, and its offset counts from the first byte of the stream.
 * @internal
 */
export class Decoder<Out> {
  /** The value that `next` found. */
  value!: Out | Out[];

  readonly #protocol: Protocol<never, Out>;
  readonly #splitter: Splitter;
  readonly #isBatch: boolean;
  /** The rest of a frame that holds several values. */
  #values: readonly Out[] = [];
  #at = 0;

  /**
   * @param protocol - the protocol of the bytes
   * @param options - `batch`: return arrays of all available values instead of single values; the rest is for
   *   the splitter
   */
  constructor(
    protocol: Protocol<never, Out>,
    options: InvalidOptions & { readonly batch?: boolean | undefined } = {},
  ) {
    const { batch = false, onInvalid, skipped } = options;
    this.#isBatch = batch;
    this.#protocol = forOneStream(protocol);
    this.#splitter = newSplitter(this.#protocol, { onInvalid, skipped });
  }

  /** Takes the next bytes. */
  push(chunk: Uint8Array): void {
    this.#splitter.push(chunk);
  }

  /** No more bytes follow: `next` throws `truncated` if some are left over. */
  finish(): void {
    this.#splitter.finish();
  }

  /** True if there is a value to deliver. Values before an error are delivered before it is thrown. */
  next(): boolean {
    if (!this.#isBatch) return this.#next();
    const values: Out[] = [];
    try {
      while (this.#next()) values.push(this.value as Out);
    } catch (error) {
      if (values.length === 0) throw error;
    }
    this.value = values.length > 0 ? values : (undefined as never);
    return values.length > 0;
  }

  #next(): boolean {
    const splitter = this.#splitter;
    const protocol = this.#protocol;
    for (;;) {
      if (this.#at < this.#values.length) {
        this.value = this.#values[this.#at++]!;
        if (this.#at === this.#values.length) {
          // While no bytes arrive, the values of the last frame are not kept.
          this.#values = [];
        }
        return true;
      }
      if (!splitter.next()) {
        this.value = undefined as never;
        return false;
      }
      const { bytes, start, end } = splitter;
      try {
        if (protocol.decodeMany !== undefined) {
          this.#values = decodeValues(protocol, bytes, start, end);
          this.#at = 0;
        } else {
          this.value = decodeValue(protocol, bytes, start, end);
        }
      } catch (error) {
        splitter.reject(error);
        continue;
      }
      splitter.accept();
      if (protocol.decodeMany === undefined) return true;
    }
  }
}
