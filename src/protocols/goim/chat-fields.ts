import { checkOptions } from "../../core/index.ts";
import { bytes, type Field, i8, i32be, i64be, ignored, struct } from "../../fields/index.ts";
import type { ChatMessage, ChatReply, ReceivedChatMessage } from "./chat.ts";

/**
 * Describes the body of {@link chatSend}, for tools.
 *
 * `message` describes the message, such as `utf8()`; `bytes()` by default.
 *
 * @example
 * ```ts
 * import { utf8 } from "framewright/fields";
 * import { chatSendFields } from "framewright/goim";
 * import { picture } from "framewright/inspect";
 *
 * console.log(picture(chatSendFields(utf8())));
 * //=> 0            4          8
 * //=> | from i32be | to i32be | msg utf8 |
 * ```
 */
export function chatSendFields(): Field<ChatMessage>;
export function chatSendFields<In, Out>(
  message: Field<In, Out>,
): Field<ChatMessage<In>, ChatMessage<Out>>;
export function chatSendFields(message: Field<never, unknown> = bytes()): Field<never, unknown> {
  return struct({ from: i32be, to: i32be, msg: message }) as Field<never, unknown>;
}

/**
 * Describes the body of {@link chatReceive}, for tools.
 *
 * ```text
 * 0              8            12         16
 * | chatId i64be | from i32be | to i32be | msg bytes |
 * ```
 *
 * `message` describes the message, such as `utf8()`; `bytes()` by default.
 */
export function chatReceiveFields(): Field<ReceivedChatMessage>;
export function chatReceiveFields<In, Out>(
  message: Field<In, Out>,
): Field<ReceivedChatMessage<In>, ReceivedChatMessage<Out>>;
export function chatReceiveFields(message: Field<never, unknown> = bytes()): Field<never, unknown> {
  return struct({ chatId: i64be, from: i32be, to: i32be, msg: message }) as Field<never, unknown>;
}

/**
 * Describes the body of {@link chatReply}, for tools.
 *
 * ```text
 * 0        1
 * | ret i8 | chatId i64be |
 * ```
 *
 * @param options - `ignoreExtra`: accept bodies with more than 9 bytes
 * @defaultValue ignoreExtra false
 */
export function chatReplyFields(
  options: { readonly ignoreExtra?: boolean | undefined } = {},
): Field<ChatReply> {
  checkOptions("chatReplyFields", options, ["ignoreExtra"]);
  const reply = { ret: i8, chatId: i64be };
  return options.ignoreExtra === true ? struct({ ...reply, extra: ignored() }) : struct(reply);
}
