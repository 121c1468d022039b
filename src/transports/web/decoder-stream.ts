import { checkOptions, Decoder, type InvalidOptions, type Protocol } from "../../core/index.ts";

/** Options for {@link decoderStream}. */
export interface DecoderStreamOptions extends InvalidOptions {
  /**
   * One array with all messages of a chunk, in place of a chunk of the stream for each message: streams cost
   * a few promises per chunk, which is far more than decoding costs.
   * @defaultValue false
   */
  readonly batch?: boolean | undefined;
}

/**
 * Bytes in, messages out, for `pipeThrough`. Reads ahead of its reader by no message: a chunk is taken when the
 * messages of the one before are read. When the bytes break the protocol, or end inside a frame, both sides
 * fail with the ProtocolError, after all messages that came whole; for a chunk that is not bytes, with a TypeError.
 *
 * @param protocol - what comes
 * @param options - `batch`; `onInvalid` and `skipped` for bytes that are not a frame
 *
 * @example
 * ```ts
 * import { lines, utf8 } from "framewright";
 * import { decoderStream } from "framewright/web";
 *
 * const body = new Response("one\ntwo\n").body!;
 * for await (const line of body.pipeThrough(decoderStream(lines().wrap(utf8())))) console.log(line);
 * //=> one
 * //=> two
 * ```
 */
export function decoderStream<Out>(
  protocol: Protocol<never, Out>,
  options: DecoderStreamOptions & { readonly batch: true },
): TransformStream<Uint8Array, Out[]>;
/** One chunk of the stream for each message. */
export function decoderStream<Out>(
  protocol: Protocol<never, Out>,
  options?: DecoderStreamOptions & { readonly batch?: false | undefined },
): TransformStream<Uint8Array, Out>;
export function decoderStream<Out>(
  protocol: Protocol<never, Out>,
  options: DecoderStreamOptions = {},
): TransformStream<Uint8Array, Out | Out[]> {
  checkOptions("decoderStream", options, ["batch", "onInvalid", "skipped"]);
  // Not a TransformStream: what one of those has put into its queue is lost when a later frame is bad.
  const decoder = new Decoder(protocol, options);
  /** The writer waits until its chunk is used up. */
  let used: (() => void) | undefined;
  let failWriter: ((error: unknown) => void) | undefined;
  /** The reader waits for a chunk, or the end. */
  let arrived: (() => void) | undefined;
  let isFinished = false;
  let failWritable: (error: unknown) => void = () => {};
  let failReadable: (error: unknown) => void = () => {};

  /** The next message, once there is one; false at the end. */
  async function pull(controller: ReadableStreamDefaultController<Out | Out[]>): Promise<void> {
    for (;;) {
      try {
        if (decoder.next()) return controller.enqueue(decoder.value);
      } catch (error) {
        failWriter?.(error);
        failWritable(error);
        throw error;
      }
      used?.();
      used = undefined;
      if (isFinished) return controller.close();
      await new Promise<void>((resolve) => {
        arrived = resolve;
      });
    }
  }

  const wake = (): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      used = resolve;
      failWriter = reject;
      arrived?.();
    });

  const readable = new ReadableStream<Out | Out[]>(
    {
      start(controller) {
        failReadable = (error) => controller.error(error);
      },
      pull,
      cancel(reason) {
        failWriter?.(reason);
        failWritable(reason);
      },
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<Uint8Array>({
    start(controller) {
      failWritable = (error) => controller.error(error);
      // At once: `abort` is called only when the write at hand is over, which may wait for the reader.
      controller.signal.addEventListener("abort", () => {
        failReadable(controller.signal.reason);
        used?.();
      });
    },
    write(chunk) {
      try {
        decoder.push(chunk);
      } catch (error) {
        // Not bytes. A reader that waits would wait on.
        failReadable(error);
        throw error;
      }
      return wake();
    },
    close() {
      isFinished = true;
      try {
        decoder.finish();
      } catch {
        // The reader comes upon it, behind all that is whole.
      }
      return wake();
    },
  });
  return { readable, writable };
}
