import { checkOptions, decodeLatin1, misuse } from "../core/index.ts";
import { findBytes } from "./find-bytes.ts";
import type { WrappingFraming } from "./framing.ts";
import { type HeaderOptions, headerFraming } from "./header-block.ts";
import { toBytes } from "./to-bytes.ts";

/** Reads and writes the length in a header of text; see {@link headed}. */
export interface HeadedOptions extends HeaderOptions {
  /**
   * End of the header, as text (UTF-8) or bytes.
   * @defaultValue `"\r\n\r\n"`, an empty line
   */
  readonly end?: string | Uint8Array | undefined;

  /**
   * Returns how many bytes follow this header. Called once for each frame; if it throws, the header is
   * `malformed`.
   *
   * @param header - as Latin-1 text, without its end
   */
  readonly length: (header: string) => number;

  /**
   * Returns the header of a payload of so many bytes, without its end; characters up to U+00FF.
   *
   * @defaultValue none: then `wrap` reads only
   */
  readonly write?: ((length: number) => string) | undefined;
}

/**
 * Frames that begin with a header of text that contains the length of the payload: a line with a size in it,
 * or a block of lines.
 *
 * ```text
 *   S E N D   5 \r \n h e l l o            end "\r\n"
 * ```
 *
 * If the codec needs more of the header than the length, spread the framing into `defineProtocol`: the codec
 * then receives whole frames. For `Content-Length` headers use `contentLength()`.
 *
 * @param options - `length` is required, `write` for sending
 * @defaultValue maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { decodeAll, utf8 } from "framewright";
 * import { headed } from "framewright/framing";
 *
 * const framing = headed({
 *   end: "\r\n",
 *   length: (header) => Number(/^SEND (\d+)$/.exec(header)?.[1]),
 *   write: (length) => `SEND ${length}`,
 * });
 * const bytes = Uint8Array.from("SEND 5\r\nhelloSEND 2\r\nyo", (c) => c.charCodeAt(0));
 * console.log(decodeAll(framing.wrap(utf8()), bytes));
 * //=> [ 'hello', 'yo' ]
 * ```
 *
 * @throws RangeError for an empty end or a limit out of range, TypeError if `length` is missing
 */
export function headed(options: HeadedOptions): WrappingFraming {
  checkOptions("headed", options, ["end", "length", "write", "maxHeader", "maxFrame"]);
  const { length, write } = options;
  if (typeof length !== "function") throw new TypeError("headed: length must be a function");
  const end = toBytes(options.end ?? "\r\n\r\n");
  if (end.length === 0) throw new RangeError("headed: end is empty");
  const mark = decodeLatin1(end, 0, end.length);
  return headerFraming(
    {
      name: "headed",
      text: false,
      end,
      find: findBytes([end]),
      length: (bytes, start, stop) => length(decodeLatin1(bytes, start, stop)),
      write(body) {
        if (write === undefined) throw misuse("headed: writing needs the option write");
        return write(body) + mark;
      },
    },
    options,
  );
}
