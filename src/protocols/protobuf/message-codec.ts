import {
  asProtocolError,
  type Codec,
  checkOptions,
  isBytes,
  isMisuse,
  messageOf,
  notPromised,
  ProtocolError,
} from "../../core/index.ts";
import { WireReader } from "./wire.ts";

/** What turns one message into bytes and back: generated code, a library, functions of your own. */
export interface MessageFunctions<in In, out Out = In> {
  /** The bytes of a message, or a writer that has them (protobufjs, ts-proto). What it throws is `unencodable`. */
  encode(message: In): Uint8Array | { finish(): Uint8Array };
  /** The message in exactly these bytes. What it throws is `malformed`. It may keep views of them. */
  decode(bytes: Uint8Array): Out;
}

/** Options of every message codec. */
export interface MessageCodecOptions {
  /**
   * Name of the message type, for error texts.
   * @defaultValue the name that the library knows, else `"message"`
   */
  readonly name?: string | undefined;
}

/**
 * A codec of any pair of functions `{ encode, decode }` that read and write one message, so that every framing
 * and transport can carry it. For protobufjs see `protobufjs`, for @bufbuild/protobuf `bufbuild`.
 *
 * What the functions throw becomes a ProtocolError that names the message: `malformed` with the index of the byte
 * that breaks the wire format, where there is such a byte, else of the message's first one; `unencodable` when
 * writing. The bytes that `decode` is shown are a view that stays valid for ever, so the message may borrow them.
 *
 * @example
 * ```ts
 * import { decodeFrame, encodeFrame, varintPrefixed } from "framewright";
 * import { messageCodec } from "framewright/protobuf";
 *
 * // message Flag { uint32 code = 1; } by hand, for codes below 128
 * const flag = messageCodec<{ code: number }>({
 *   encode: ({ code }) => Uint8Array.of(0x08, code),
 *   decode: (bytes) => ({ code: bytes[1] ?? 0 }),
 * });
 * const flags = varintPrefixed().wrap(flag);
 * console.log(encodeFrame(flags, { code: 5 }).join(" "));
 * //=> 2 8 5
 * console.log(decodeFrame(flags, Uint8Array.of(2, 8, 5)).code);
 * //=> 5
 * ```
 */
export function messageCodec<In, Out = In>(
  functions: MessageFunctions<In, Out>,
  options: MessageCodecOptions = {},
): Codec<In, Out> {
  checkOptions("messageCodec", options, ["name"]);
  return codecOf(functions, options.name, {});
}

/**
 * A message codec that tells tools which type it has.
 * @internal
 */
export function codecOf<In, Out>(
  functions: MessageFunctions<In, Out>,
  name = "message",
  type: object,
): Codec<In, Out> {
  return Object.freeze<Codec<In, Out>>({
    format: { name: "protobuf", ...type },
    decode(bytes, start, end) {
      try {
        return notPromised(functions.decode(bytes.subarray(start, end)), "decode");
      } catch (error) {
        if (isMisuse(error)) throw error;
        throw undecodable(error, name, bytes, start, end);
      }
    },
    encode(message, out) {
      try {
        const written = functions.encode(message);
        out.bytes(isBytes(written) ? written : written.finish());
      } catch (error) {
        throw asProtocolError(error, "unencodable", `${name} cannot be encoded`);
      }
    },
  });
}

/** The libraries do not say where: a second look at the wire does, if the fault is one that it shows. */
function undecodable(
  error: unknown,
  name: string,
  bytes: Uint8Array,
  start: number,
  end: number,
): ProtocolError {
  const reader = new WireReader(bytes, start, end);
  let at = start;
  try {
    while (reader.next());
  } catch (fault) {
    at = (fault as ProtocolError).offset ?? start;
  }
  const reason = messageOf(error);
  const text = `${name} of ${end - start} bytes cannot be decoded: ${reason}`;
  return new ProtocolError("malformed", text, at, { cause: error });
}
