import {
  type Codec,
  checkOptions,
  i8,
  i32be,
  i64be,
  type MessageProtocol,
  ProtocolError,
  raw,
} from "../../core/index.ts";
import { bodyCodec } from "./bodies.ts";

/*
 * Operations 18 to 21 of a fork of v2, known only from its protocol document. All integers are
 * big-endian and signed. 18 and 20 have one layout from clients and another from servers, and the
 * bytes do not tell which: hence a codec for each direction.
 */

/** A message from a client: operation 18 (to a user) or 20 (to a group). */
export interface ChatMessage<Message = Uint8Array> {
  /** Id of the sender, a 32-bit integer. */
  readonly from: number;
  /** Id of the user or of the group, a 32-bit integer. */
  readonly to: number;
  /** The message. */
  readonly msg: Message;
}

/** A message from a server: operation 18 or 20. */
export interface ReceivedChatMessage<Message = Uint8Array> extends ChatMessage<Message> {
  /** Id of the message, 64 bits. */
  readonly chatId: bigint;
}

/** A server's reply: operation 19 or 21. */
export interface ChatReply {
  /** 0: sent; -1: failed. A signed byte. */
  readonly ret: number;
  /** Id of the message, 64 bits; has no meaning if sending failed. */
  readonly chatId: bigint;
}

/**
 * The body of operations 18 and 20 from client to server.
 *
 * ```text
 *   0         4         8
 *   | from i32| to i32  | msg ...
 *   0000007b  000001c8  68656c6c6f       123 to 456: hello
 * ```
 *
 * `message` is the codec of the message, such as `utf8()`; `raw()` by default.
 */
export function chatSend(): MessageProtocol<ChatMessage>;
export function chatSend<In, Out>(
  message: Codec<In, Out>,
): MessageProtocol<ChatMessage<In>, ChatMessage<Out>>;
export function chatSend(
  message: Codec<unknown> = raw() as Codec<unknown>,
): MessageProtocol<ChatMessage<unknown>, ChatMessage<never>> {
  return bodyCodec<ChatMessage<unknown>, ChatMessage<never>>("goim chat message", {
    decode(bytes, start, end) {
      checkLength(start, end, 8);
      return {
        from: i32be(bytes, start),
        to: i32be(bytes, start + 4),
        msg: message.decode(bytes, start + 8, end) as never,
      };
    },
    encode({ from, to, msg }, out) {
      message.encode(msg, out.i32be(from).i32be(to));
    },
  });
}

/**
 * The body of operations 18 and 20 from server to client.
 *
 * ```text
 *   0                 8         12        16
 *   | chatId i64      | from i32| to i32  | msg ...
 *   0000000000000001  0000007b  000001c8  68656c6c6f       message 1, 123 to 456: hello
 * ```
 *
 * `message` is the codec of the message, such as `utf8()`; `raw()` by default.
 */
export function chatReceive(): MessageProtocol<ReceivedChatMessage>;
export function chatReceive<In, Out>(
  message: Codec<In, Out>,
): MessageProtocol<ReceivedChatMessage<In>, ReceivedChatMessage<Out>>;
export function chatReceive(
  message: Codec<unknown> = raw() as Codec<unknown>,
): MessageProtocol<ReceivedChatMessage<unknown>, ReceivedChatMessage<never>> {
  const sent = chatSend(message as Codec<unknown, never>);
  return bodyCodec<ReceivedChatMessage<unknown>, ReceivedChatMessage<never>>("goim chat message", {
    decode(bytes, start, end) {
      checkLength(start, end, 16);
      return { chatId: i64be(bytes, start), ...sent.decode(bytes, start + 8, end) };
    },
    encode: (received, out) => sent.encode(received, out.i64be(received.chatId)),
  });
}

function checkLength(start: number, end: number, least: number): void {
  if (end - start >= least) return;
  const text = `chat message of ${end - start} bytes, at least ${least} are needed`;
  throw new ProtocolError("malformed", text, start);
}

/**
 * The body of operations 19 and 21.
 *
 * ```text
 *   0       1
 *   | ret i8| chatId i64
 *   ff      0000000000000000       failed
 * ```
 *
 * @param options - `ignoreExtra`: accept bodies with more than 9 bytes
 * @defaultValue ignoreExtra false
 */
export function chatReply(
  options: { readonly ignoreExtra?: boolean | undefined } = {},
): MessageProtocol<ChatReply> {
  checkOptions("chatReply", options, ["ignoreExtra"]);
  const { ignoreExtra = false } = options;
  return bodyCodec<ChatReply, ChatReply>("goim chat reply", {
    decode(bytes, start, end) {
      const length = end - start;
      if (length < 9 || (length > 9 && !ignoreExtra)) {
        throw new ProtocolError("malformed", `chat reply of ${length} bytes, not 9`, start);
      }
      return { ret: i8(bytes, start), chatId: i64be(bytes, start + 1) };
    },
    encode: ({ ret, chatId }, out) => void out.i8(ret).i64be(chatId),
  });
}
