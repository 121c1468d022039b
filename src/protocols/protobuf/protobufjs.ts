import { type Codec, checkOptions, ProtocolError } from "../../core/index.ts";
import { refuseLoss } from "./lossless.ts";
import { codecOf, type MessageCodecOptions } from "./message-codec.ts";

/**
 * The parts of a protobufjs message type that are used: reflected (`root.lookupType(...)`) or a
 * generated static class. Code of ts-proto has this form too.
 */
export interface ProtobufjsType<in In, out Out = In> {
  /** Writes the message; `finish` returns its bytes. */
  encode(message: In): { finish(): Uint8Array };
  /** Reads the message, which fills all of `bytes`. */
  decode(bytes: Uint8Array): Out;
  /** Returns the error in the message, or null. Without it, messages are written unchecked. */
  verify?(message: object): string | null;
}

/** A reflected type: its fields are known at run time, but not to the compiler. */
export interface ProtobufjsReflected extends ProtobufjsType<object, object> {
  /** Name with a leading dot. */
  readonly fullName: string;
  /** Its fields. */
  readonly fieldsArray: readonly unknown[];
}

/** Options of {@link protobufjs}. */
export interface ProtobufjsOptions extends MessageCodecOptions {
  /**
   * Checks messages before they are written. protobufjs itself writes any value: `5` for a string
   * as an empty one, `2 ** 32` for a uint32 as 0. The check calls `verify`; for reflected types it
   * also makes sure that no integer loses bits and no text has a lone surrogate. Static classes do
   * not describe their fields, so for them only `verify` is called.
   * @defaultValue true
   */
  readonly verify?: boolean | undefined;
}

/**
 * Makes a codec of a message type of protobufjs 7 or 8: reflected, or a static class. You pass the
 * type, so framewright does not depend on protobufjs.
 *
 * Decoded messages are those of protobufjs: 64-bit integers are `Long` objects, `bytes` fields are
 * views of the frame, unknown fields are dropped. Under a content security policy without
 * `unsafe-eval` use static classes, because reflected types compile code.
 *
 * @param type - the message type. The compiler does not know the fields of a reflected one: pass
 *   them, as in `protobufjs<Chat>(type)`
 * @param options - `name`: name for error texts; `verify`: check before writing
 * @returns a codec for any framing. It throws ProtocolError `malformed` for bytes that protobufjs
 *   refuses, `unencodable` for messages that cannot be written faithfully
 *
 * @example
 * ```ts
 * import { decodeFrame, encodeFrame, lengthPrefixed } from "framewright";
 * import { protobufjs } from "framewright/protobuf";
 * import protobuf from "protobufjs";
 *
 * const { root } = protobuf.parse('syntax = "proto3"; message Chat { string text = 1; }');
 * const chat = protobufjs<{ text: string }>(root.lookupType("Chat"));
 * const chats = lengthPrefixed({ width: 4, endian: "le" }).wrap(chat);
 *
 * const frame = encodeFrame(chats, { text: "hi" });
 * console.log(frame.join(" "));
 * //=> 4 0 0 0 10 2 104 105
 * console.log(decodeFrame(chats, frame).text);
 * //=> hi
 * ```
 */
export function protobufjs<In extends object = Record<string, unknown>, Out extends object = In>(
  type: ProtobufjsReflected,
  options?: ProtobufjsOptions,
): Codec<NoInfer<In>, NoInfer<Out>>;
export function protobufjs<In, Out>(
  type: ProtobufjsType<In, Out>,
  options?: ProtobufjsOptions,
): Codec<In, Out>;
export function protobufjs<In, Out>(
  type: ProtobufjsType<In, Out> & { readonly fullName?: string },
  options: ProtobufjsOptions = {},
): Codec<In, Out> {
  checkOptions("protobufjs", options, ["verify", "name"]);
  const { verify = true, name = type.fullName?.replace(/^\./, "") } = options;
  return codecOf<In, Out>(
    {
      encode(message) {
        if (verify) check(type, message as object);
        return type.encode(message);
      },
      decode: (bytes) => type.decode(bytes),
    },
    name,
    { protobufjs: type },
  );
}

function check(type: ProtobufjsType<never, unknown>, message: object): void {
  const wrong = type.verify?.(message);
  if (typeof wrong === "string") throw new ProtocolError("unencodable", wrong);
  refuseLoss(type, message);
}
