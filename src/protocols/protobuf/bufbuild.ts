import type { Codec } from "../../core/index.ts";
import { refuseBrokenText } from "./lossless.ts";
import { codecOf } from "./message-codec.ts";

/** The parts of a message schema of @bufbuild/protobuf that are used. */
export interface BufbuildSchema {
  /** Full name without a leading dot. */
  readonly typeName: string;
}

/**
 * The message type of a schema that `protoc-gen-es` generated; for a schema made at run time, any
 * message.
 */
export type BufbuildMessage<S> = S extends { readonly $codegenv2: { readonly a: infer Message } }
  ? Message
  : S extends { readonly $codegenv1: { readonly a: infer Message } }
    ? Message
    : { readonly $typeName: string };

/** The two functions of @bufbuild/protobuf that are used. */
export interface BufbuildFunctions<S, in In, out Out = In> {
  /** `toBinary` of @bufbuild/protobuf. */
  readonly toBinary: (schema: S, message: In) => Uint8Array;
  /** `fromBinary` of @bufbuild/protobuf. */
  readonly fromBinary: (schema: S, bytes: Uint8Array) => Out;
}

/**
 * Makes a codec of a message type of @bufbuild/protobuf 2 (protobuf-es). You pass its two
 * functions, so framewright does not depend on it, and a bundler sees what is used.
 *
 * Decoded messages are those of protobuf-es: 64-bit integers are bigints, `bytes` fields are views
 * of the frame, unknown fields are kept in `$unknown`. Create messages to send with its `create`.
 *
 * @param schema - the schema of the message, `GamesSchema` of generated code
 * @param functions - `{ toBinary, fromBinary }`
 * @returns a codec for any framing. It throws ProtocolError `malformed` for bytes that protobuf-es
 *   refuses, `unencodable` for messages that it refuses and for text with a lone surrogate, which
 *   it would replace
 *
 * @example
 * ```ts
 * import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
 * import { StringValueSchema } from "@bufbuild/protobuf/wkt";
 * import { encodeFrame, varintPrefixed } from "framewright";
 * import { bufbuild } from "framewright/protobuf";
 *
 * const texts = varintPrefixed().wrap(bufbuild(StringValueSchema, { toBinary, fromBinary }));
 * console.log(encodeFrame(texts, create(StringValueSchema, { value: "hi" })).join(" "));
 * //=> 4 10 2 104 105
 * ```
 */
export function bufbuild<S extends BufbuildSchema, T = BufbuildMessage<S>>(
  schema: S,
  functions: BufbuildFunctions<S, NoInfer<T>>,
): Codec<T> {
  const { toBinary, fromBinary } = functions;
  return codecOf<T, T>(
    {
      encode(message) {
        refuseBrokenText(message);
        return toBinary(schema, message);
      },
      decode: (bytes) => fromBinary(schema, bytes),
    },
    schema.typeName,
    { bufbuild: schema },
  );
}
