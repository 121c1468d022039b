import { exactFrame, type MessageProtocol, type Protocol } from "../core/index.ts";

/**
 * Adapts a stream protocol to peers that put exactly one of its frames, with its length, into every WebSocket
 * message or datagram: a message that holds less or more than one frame is an error. (Without it, several
 * frames in one message are read one by one.)
 *
 * ```text
 *   03 00 00 00 61 62 63                  one message, one frame
 *   03 00 00 00 61 62 63 01 00 00 00 61   malformed: 5 bytes follow a frame of 7
 * ```
 *
 * @param protocol - the protocol of the frames; shared by all connections, so one with `perConnection` is
 *   rejected
 * @returns the same protocol for message transports only: its `decode` throws `truncated` if bytes are
 *   missing, `malformed` if some are left over
 * @throws TypeError for a protocol with state, and for one without frames, which is already for messages
 *
 * @example
 * ```ts
 * import { decodeFrame, encodeFrame, lengthPrefixed, onePerMessage, utf8 } from "framewright";
 *
 * const texts = onePerMessage(lengthPrefixed({ width: 4, endian: "le" }).wrap(utf8()));
 * const message = encodeFrame(texts, "abc");
 * console.log(message.join(" "), decodeFrame(texts, message));
 * //=> 3 0 0 0 97 98 99 abc
 * ```
 */
export function onePerMessage<In, Out>(protocol: Protocol<In, Out>): MessageProtocol<In, Out> {
  if (typeof protocol?.measure !== "function") {
    const name = (protocol as { readonly name?: unknown } | undefined)?.name;
    const what = typeof name === "string" ? `"${name}"` : "a protocol without measure";
    throw new TypeError(`${what} is one value per message already: use it without onePerMessage`);
  }
  if (protocol.perConnection !== undefined) {
    throw new TypeError(`${protocol.name} keeps state: it cannot be read message by message`);
  }
  const { name, maxFrame, maxSend, text, payload, format, layout } = protocol;
  const single: MessageProtocol<In, Out> & Pick<Protocol<In, Out>, "layout"> = {
    name,
    maxFrame,
    maxSend,
    text,
    ...(payload && { payload }),
    ...(format && { format }),
    ...(layout && { layout }),
    decode(bytes, start, end) {
      return protocol.decode(bytes, ...exactFrame(protocol, bytes, start, end, ""));
    },
    encode: (value, out) => protocol.encode(value, out),
  };
  if (protocol.decodeMany === undefined) return Object.freeze(single);
  return Object.freeze<MessageProtocol<In, Out>>({
    ...single,
    decodeMany(bytes, start, end) {
      return protocol.decodeMany!(bytes, ...exactFrame(protocol, bytes, start, end, ""));
    },
  });
}
