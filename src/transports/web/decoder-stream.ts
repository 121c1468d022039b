import { checkOptions, Decoder, type InvalidOptions, type Protocol } from "../../core/index.ts";

/** Options for {@link decoderStream}. */
export interface DecoderStreamOptions extends InvalidOptions {
  /**
   * Emits one array with all messages of a chunk, instead of one stream chunk per message. Each stream
   * chunk costs a few promises, which is far more than decoding a message costs.
   * @defaultValue false
   */
  readonly batch?: boolean | undefined;
}

/**
 * A transform from bytes to messages, for `pipeThrough`. It does not read ahead: a chunk is accepted once
 * all messages of the previous chunk are read. If the bytes violate the protocol or end inside a frame,
 * both sides fail with the ProtocolError, after all complete messages before it; if a chunk is not bytes,
 * with a TypeError.
 *
 * @param protocol - the protocol of the bytes
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
/** Makes a stream with one chunk for each message. */
export function decoderStream<Out>(
  protocol: Protocol<never, Out>,
  options?: DecoderStreamOptions & { readonly batch?: false | undefined },
): TransformStream<Uint8Array, Out>;
export function decoderStream<Out>(
  protocol: Protocol<never, Out>,
  options: DecoderStreamOptions = {},
): TransformStream<Uint8Array, Out | Out[]> {
  checkOptions("decoderStream", options, ["batch", "onInvalid", "skipped"]);
  // Not a TransformStream: it would drop queued messages when a later frame is bad.
  const decoder = new Decoder(protocol, options);
  /** Resolves the write of the current chunk, once the chunk is used up. */
  let used: (() => void) | undefined;
  let failWriter: ((error: unknown) => void) | undefined;
  /** Wakes a reader that waits for a chunk or the end. */
  let arrived: (() => void) | undefined;
  let isFinished = false;
  let failWritable: (error: unknown) => void = () => {};
  let failReadable: (error: unknown) => void = () => {};

  /** Delivers the next message once there is one, or closes the stream at its end. */
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
      // Done here, because `abort` is called only after the current write has finished, and that write may
      // wait for the reader.
      controller.signal.addEventListener("abort", () => {
        failReadable(controller.signal.reason);
        used?.();
      });
    },
    write(chunk) {
      try {
        decoder.push(chunk);
      } catch (error) {
        // The chunk is not bytes. Without this a waiting reader would wait forever.
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
        // The reader gets this error after all complete messages.
      }
      return wake();
    },
  });
  return { readable, writable };
}
