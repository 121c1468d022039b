import { type Codec, checkOptions, type MessageProtocol } from "../core/index.ts";
import { frameLimit } from "./frame-limit.ts";
import { decoders, type FramingOptions, type WrapOptions } from "./framing.ts";

/** No framing: each message of the transport is one payload. */
export interface MessageFraming {
  /** Largest message in bytes. */
  readonly maxFrame: number;
  /** A protocol for message transports, whose messages are written and read by `codec`. */
  wrap<In, Out = In>(codec: Codec<In, Out>, options?: WrapOptions): MessageProtocol<In, Out>;
}

/**
 * No framing at all: for WebSocket messages and datagrams, which have boundaries of their own. The compiler
 * rejects it for streams.
 *
 * @param options - `maxFrame`: largest message in bytes, for reading and writing
 * @defaultValue maxFrame 1 MiB
 */
export function perMessage(options: FramingOptions = {}): MessageFraming {
  checkOptions("perMessage", options, ["maxFrame"]);
  const maxFrame = frameLimit(options.maxFrame, 0);
  return Object.freeze<MessageFraming>({
    maxFrame,
    wrap<In, Out = In>(codec: Codec<In, Out>, wrapped: WrapOptions = {}): MessageProtocol<In, Out> {
      checkOptions("wrap", wrapped, ["name"]);
      return Object.freeze<MessageProtocol<In, Out>>({
        name: wrapped.name ?? "message",
        maxFrame,
        text: codec.text === true,
        payload: codec,
        ...decoders(codec),
        encode: (value, out) => codec.encode(value, out),
      });
    },
  });
}
