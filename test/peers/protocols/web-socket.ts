import {
  defineProtocol,
  delimited,
  latin1,
  type MessageProtocol,
  type Protocol,
  ProtocolError,
  u16be,
  u64be,
} from "framewright";
import { inTurn } from "./in-turn.ts";

const [BINARY, CLOSE, PING, PONG] = [2, 8, 9, 10];
const NAMES: Readonly<Record<number, string>> = { [PING]: "ping", [PONG]: "pong" };

/** Bytes before the payload, and of it; undefined if they are not here yet. */
function sizes(bytes: Uint8Array, start: number, end: number): [number, number] | undefined {
  if (end - start < 2) return undefined;
  const short = bytes[start + 1]! & 0x7f;
  const wide = short < 126 ? 0 : short === 126 ? 2 : 8;
  const mask = bytes[start + 1]! > 0x7f ? 4 : 0;
  if (end - start < 2 + wide) return undefined;
  const length =
    wide === 0 ? short : wide === 2 ? u16be(bytes, start + 2) : Number(u64be(bytes, start + 2));
  return [2 + wide + mask, length];
}

/** The value of a message, or the list of its values. */
function valuesIn(message: MessageProtocol<never, unknown>, payload: Uint8Array): unknown {
  const end = payload.length;
  const values = message.decodeMany?.(payload, 0, end) ?? [message.decode(payload, 0, end)];
  return values.length === 1 ? values[0] : values;
}

/** Frames of WebSockets (RFC 6455) with whole binary messages. */
const frames = (message: MessageProtocol<never, unknown>): Protocol<never, unknown> =>
  defineProtocol<never, unknown>({
    name: "web socket frames",
    maxFrame: 2 ** 20,
    measure(bytes, start, end) {
      const [header = 0, length = 0] = sizes(bytes, start, end) ?? [];
      return header + length;
    },
    decode(bytes, start, end) {
      const [header] = sizes(bytes, start, end)!;
      const payload = bytes.slice(start + header, end);
      if (bytes[start + 1]! > 0x7f) {
        payload.forEach((byte, n) => {
          payload[n] = byte ^ bytes[start + header - 4 + (n & 3)]!;
        });
      }
      const first = bytes[start]!;
      const op = first & 0x0f;
      if (first < 0x80 || (first & 0x70) !== 0)
        throw new ProtocolError("malformed", "a fragment, or an extension", start);
      if (op === BINARY) return valuesIn(message, payload);
      if (op === CLOSE) return { close: payload.length < 2 ? undefined : u16be(payload, 0) };
      if (NAMES[op] === undefined) throw new ProtocolError("malformed", `opcode ${op}`, start);
      return { [NAMES[op]]: payload };
    },
    encode() {
      throw new Error("only for reading");
    },
  });

/** One direction of a WebSocket on TCP: its HTTP head, and then its messages. */
export const webSocket = (
  name: string,
  message: MessageProtocol<never, unknown>,
): Protocol<never, unknown> =>
  inTurn(name, { protocol: delimited("\r\n\r\n").wrap(latin1()) }, { protocol: frames(message) });
