import {
  type Codec,
  checkOptions,
  type Protocol,
  ProtocolError,
  raw,
  utf8,
} from "../../core/index.ts";
import { delimited, type FramingOptions } from "../../framing/index.ts";

const CR = 0x0d;

/** Options for {@link text}. */
export interface TextOptions extends FramingOptions {
  /**
   * Values are bytes, not strings: for lines that are not UTF-8.
   * @defaultValue false
   */
  readonly bytes?: boolean | undefined;
}

/**
 * Workerman's `Text` protocol (`Protocols/Text.php`): one line per value.
 *
 * ```text
 *   68 65 6c 6c 6f 0a          "hello"
 *   68 65 6c 6c 6f 0d 0d 0a    "hello": every CR before the LF is cut off
 *   0a                         the empty string
 * ```
 *
 * Strings are strict UTF-8. A value that contains an LF or ends in a CR is `unencodable`, because
 * receivers would not read the same value. A line of exactly `maxFrame` bytes, its LF included, is
 * still read (the reference closes then).
 *
 * @param options - `maxFrame`: longest line, its end included; `bytes`: values are byte arrays
 * @defaultValue maxFrame 1 MiB, bytes false
 *
 * @example
 * ```ts
 * import { decodeAll, encodeFrame } from "framewright";
 * import { text } from "framewright/workerman";
 *
 * console.log(encodeFrame(text(), "hi").join(" "));
 * //=> 104 105 10
 * console.log(decodeAll(text(), Uint8Array.of(0x61, 0x0d, 0x0a, 0x0a)));
 * //=> [ 'a', '' ]
 * ```
 */
export function text(
  options?: TextOptions & { readonly bytes?: false | undefined },
): Protocol<string>;
export function text(options: TextOptions & { readonly bytes: true }): Protocol<Uint8Array>;
export function text(options: TextOptions = {}): Protocol<string> | Protocol<Uint8Array> {
  checkOptions("text", options, ["maxFrame", "bytes"]);
  const framing = delimited("\n", { maxFrame: options.maxFrame });
  return options.bytes
    ? framing.wrap(withoutCr(raw()), { name: "text" })
    : framing.wrap(withoutCr(utf8()), { name: "text" });
}

/** Removes every CR from the end when reading, and refuses to write one there. */
function withoutCr<T extends string | Uint8Array>(codec: Codec<T>): Codec<T> {
  return {
    decode(bytes, start, end) {
      let stop = end;
      while (stop > start && bytes[stop - 1] === CR) stop--;
      return codec.decode(bytes, start, stop);
    },
    encode(value, out) {
      codec.encode(value, out);
      const last = typeof value === "string" ? value.charCodeAt(value.length - 1) : value.at(-1);
      if (last === CR) {
        throw new ProtocolError("unencodable", "the value ends in a CR, which readers remove");
      }
    },
    text: codec.text,
  };
}
