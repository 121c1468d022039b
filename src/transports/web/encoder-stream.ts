import {
  checkOptions,
  encodeAll,
  encodeFrame,
  forOneStream,
  type Protocol,
} from "../../core/index.ts";

/** Options for {@link encoderStream}. */
export interface EncoderStreamOptions {
  /**
   * Takes arrays of messages, and makes one chunk of bytes from each array.
   * @defaultValue false
   */
  readonly batch?: boolean | undefined;
}

/**
 * A transform from messages to bytes, for `pipeThrough`. If a message cannot be encoded, both sides fail
 * with the ProtocolError; messages before it were written.
 *
 * @param protocol - the protocol of the bytes
 * @param options - `batch`
 *
 * @example
 * ```ts
 * import { lines, utf8 } from "framewright";
 * import { encoderStream } from "framewright/web";
 *
 * const { readable, writable } = encoderStream(lines().wrap(utf8()), { batch: true });
 * const writer = writable.getWriter();
 * void writer.write(["one", "two"]);
 * void writer.close();
 * console.log(JSON.stringify(await new Response(readable).text()));
 * //=> "one\ntwo\n"
 * ```
 */
export function encoderStream<In>(
  protocol: Protocol<In, unknown>,
  options: EncoderStreamOptions & { readonly batch: true },
): TransformStream<readonly In[], Uint8Array<ArrayBuffer>>;
/** Makes a stream with one chunk of bytes for each message. */
export function encoderStream<In>(
  protocol: Protocol<In, unknown>,
  options?: EncoderStreamOptions & { readonly batch?: false | undefined },
): TransformStream<In, Uint8Array<ArrayBuffer>>;
export function encoderStream<In>(
  protocol: Protocol<In, unknown>,
  options: EncoderStreamOptions = {},
): TransformStream<In | readonly In[], Uint8Array<ArrayBuffer>> {
  checkOptions("encoderStream", options, ["batch"]);
  const own = forOneStream(protocol);
  const { batch = false } = options;
  return new TransformStream<In | readonly In[], Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      const bytes = batch ? encodeAll(own, chunk as readonly In[]) : encodeFrame(own, chunk as In);
      if (bytes.length > 0) controller.enqueue(bytes);
    },
  });
}
