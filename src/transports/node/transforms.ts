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

/** What `decoderTransform` and `encoderTransform` can be told. */
export interface TransformOptions {
  /**
   * Arrays of messages in place of messages: one for each chunk of bytes. Node's streams cost far more per object
   * than decoding does.
   * @defaultValue false
   */
  readonly batch?: boolean | undefined;
}

/** Options for {@link decoderTransform}. */
export interface DecoderTransformOptions extends TransformOptions, InvalidOptions {}

/**
 * Bytes in, messages out (object mode), for `pipeline`. Reads ahead of its reader by one message at most. When the
 * bytes break the protocol, or end inside a frame, the stream is destroyed with the ProtocolError, after all
 * messages that came whole; for a chunk that is not bytes, with a TypeError.
 *
 * @param protocol - what comes
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
  // Not a Transform: what one of those has pushed is lost when a later frame is bad.
  const decoder = new Decoder(protocol, options);
  let isWanted = false;
  /** Takes the next chunk; undefined while there is none to be had. */
  let used: ((error?: Error | null) => void) | undefined;
  let isFinished = false;

  function pump(): void {
    try {
      while (isWanted && decoder.next()) {
        isWanted = false;
        // Node takes null for the end of the stream.
        if (decoder.value === null) throw new TypeError("a stream cannot carry null: use batch");
        stream.push(decoder.value);
      }
    } catch (error) {
      // Behind the message that is being read at this moment.
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
    // Otherwise Node throws for what is not bytes, and into the stream that is piped here.
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
        // The reader comes upon it, behind all that is whole.
      }
      used = callback;
      pump();
    },
  });
  return stream;
}

/**
 * Messages in (object mode), bytes out, for `pipeline`. Destroyed with the ProtocolError for a message that cannot be
 * encoded.
 *
 * @param protocol - what goes
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
