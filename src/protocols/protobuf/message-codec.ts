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

/** Functions that encode and decode one message: from generated code, a library, or your own. */
export interface MessageFunctions<in In, out Out = In> {
  /**
   * Returns the bytes of a message, or a writer that has them (protobufjs, ts-proto). What it
   * throws becomes `unencodable`.
   */
  encode(message: In): Uint8Array | { finish(): Uint8Array };
  /**
   * Returns the message in exactly these bytes; may keep views of them. What it throws becomes
   * `malformed`.
   */
  decode(bytes: Uint8Array): Out;
}

/** Options of every message codec. */
export interface MessageCodecOptions {
  /**
   * Name of the message type, for error texts.
   * @defaultValue the library's name of the type, else `"message"`
   */
  readonly name?: string | undefined;
}

/**
 * Makes a codec from a pair of functions `{ encode, decode }` for one message, to use in any
 * framing and transport. For protobufjs use `protobufjs`, for @bufbuild/protobuf `bufbuild`.
 *
 * Errors of the functions become a ProtocolError that names the message: `malformed` with the index
 * of the byte that breaks the wire format, or else of the message's first byte; `unencodable` when
 * writing. The bytes passed to `decode` are a view into memory that is never reused, so the message
 * may keep views of them.
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
 * Makes a message codec that describes its type, for tools.
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

/**
 * Finds the position of an error, which libraries do not report, by reading the wire format again.
 */
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
