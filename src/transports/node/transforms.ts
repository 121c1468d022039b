import { Duplex, Transform } from "node:stream";
import {
  checkOptions,
  Decoder,
  encodeAll,
  encodeFrame,
  forOneStream,
  type InvalidOptions,
  type Protocol,
} from "../../core/index.ts";

/** Options that decoders and encoders share. */
export interface TransformOptions {
  /**
   * Arrays of messages instead of messages: one array for each chunk of bytes. Node's streams cost far more
   * per object than decoding does.
   * @defaultValue false
   */
  readonly batch?: boolean | undefined;
}

/** Options for {@link decoderTransform}. */
export interface DecoderTransformOptions extends TransformOptions, InvalidOptions {}

/**
 * A stream from bytes to messages (object mode), for `pipeline`. It reads ahead by at most one message. If
 * the bytes violate the protocol or end inside a frame, the stream is destroyed with the ProtocolError,
 * after all complete messages before it; if a chunk is not bytes, with a TypeError.
 *
 * @param protocol - the protocol of the bytes
 * @param options - `batch`: an array with all messages of a chunk; `onInvalid` and `skipped` for bytes that are not a
 *   frame
 *
 * @example
 * ```ts
 * import { Readable } from "node:stream";
 * import { json, lines } from "framewright";
 * import { decoderTransform } from "framewright/node";
 *
 * const source = Readable.from([Buffer.from('{"n":1}\n{"n"'), Buffer.from(":2}\n")]);
 * for await (const { n } of source.pipe(decoderTransform(lines().wrap(json<{ n: number }>())))) {
 *   console.log(n);
 * }
 * //=> 1
 * //=> 2
 * ```
 */
export function decoderTransform<Out>(
  protocol: Protocol<never, Out>,
  options: DecoderTransformOptions = {},
): Duplex {
  checkOptions("decoderTransform", options, ["batch", "onInvalid", "skipped"]);
  // Not a Transform: it would drop pushed messages when a later frame is bad.
  const decoder = new Decoder(protocol, options);
  let isWanted = false;
  /** Callback of the current write; called once its chunk is used up. */
  let used: ((error?: Error | null) => void) | undefined;
  let isFinished = false;

  function pump(): void {
    try {
      while (isWanted && decoder.next()) {
        isWanted = false;
        // null marks the end of a Node stream.
        if (decoder.value === null) throw new TypeError("a stream cannot carry null: use batch");
        stream.push(decoder.value);
      }
    } catch (error) {
      // After the message that is being read now.
      process.nextTick(() => stream.destroy(error as Error));
      return;
    }
    if (!isWanted) return;
    if (isFinished) stream.push(null);
    const next = used;
    used = undefined;
    next?.();
  }

  const stream = new Duplex({
    // Otherwise Node throws for values that are not bytes, into the stream that is piped here.
    writableObjectMode: true,
    writableHighWaterMark: 1,
    readableObjectMode: true,
    readableHighWaterMark: 1,
    read() {
      isWanted = true;
      pump();
    },
    write(chunk: Uint8Array | string, encoding, callback) {
      try {
        decoder.push(typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
      } catch (error) {
        callback(error as Error);
        return;
      }
      used = callback;
      pump();
    },
    final(callback) {
      isFinished = true;
      try {
        decoder.finish();
      } catch {
        // The reader gets this error after all complete messages.
      }
      used = callback;
      pump();
    },
  });
  return stream;
}

/**
 * A stream from messages (object mode) to bytes, for `pipeline`. It is destroyed with the ProtocolError if
 * a message cannot be encoded.
 *
 * @param protocol - the protocol of the bytes
 * @param options - `batch`: takes arrays of messages
 *
 * @example
 * ```ts
 * import { Readable } from "node:stream";
 * import { text } from "node:stream/consumers";
 * import { json, lines } from "framewright";
 * import { encoderTransform } from "framewright/node";
 *
 * const bytes = Readable.from([{ n: 1 }, { n: 2 }]).pipe(encoderTransform(lines().wrap(json())));
 * console.log((await text(bytes)).trimEnd());
 * //=> {"n":1}
 * //=> {"n":2}
 * ```
 */
export function encoderTransform<In>(
  protocol: Protocol<In, unknown>,
  options: TransformOptions = {},
): Transform {
  checkOptions("encoderTransform", options, ["batch"]);
  const own = forOneStream(protocol);
  const { batch = false } = options;
  return new Transform({
    writableObjectMode: true,
    readableObjectMode: false,
    transform(chunk: In | In[], _encoding, callback) {
      try {
        callback(null, batch ? encodeAll(own, chunk as In[]) : encodeFrame(own, chunk as In));
      } catch (error) {
        callback(error as Error);
      }
    },
  });
}
