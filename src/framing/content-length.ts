import { checkOptions, decodeLatin1, type Framing, ProtocolError } from "../core/index.ts";
import type { WrappingFraming } from "./framing.ts";
import { type HeaderOptions, headerFraming } from "./header-block.ts";

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;

/**
 * Frames that begin with header lines, `Content-Length` among them: the language server protocol (LSP), the debug
 * adapter protocol (DAP), JSON-RPC over streams.
 *
 * ```text
 *   Content-Length: 5\r\n
 *   \r\n
 *   hello
 * ```
 *
 * The length counts bytes. Names are read in any case, other headers are read and ignored; only `Content-Length` is
 * written. Anything that cannot be a header, such as log text that was printed to the same stream, is `malformed`
 * at once.
 *
 * @param options - `maxFrame`: largest frame, including its header; `maxHeader`: largest header
 * @defaultValue maxFrame 1 MiB, maxHeader 8 KiB
 *
 * @example
 * ```ts
 * import { decodeUtf8, encodeFrame, json } from "framewright";
 * import { contentLength } from "framewright/framing";
 *
 * const lsp = contentLength().wrap(json());
 * console.log(decodeUtf8(encodeFrame(lsp, { jsonrpc: "2.0" })).replaceAll("\r\n", "|"));
 * //=> Content-Length: 17||{"jsonrpc":"2.0"}
 * ```
 */
export function contentLength(options: HeaderOptions = {}): WrappingFraming {
  checkOptions("contentLength", options, ["maxFrame", "maxHeader"]);
  return headerFraming(
    {
      name: "content-length",
      text: true,
      lengthIn: "Content-Length",
      end: Uint8Array.of(CR, LF, CR, LF),
      find: findEnd,
      recover: findHeader,
      length: payloadLength,
      write: (length) => `Content-Length: ${length}\r\n\r\n`,
    },
    options,
  );
}

/*
 * The header, byte by byte, so that anything else is rejected at its first byte and not only after maxHeader
 * bytes:
 *
 *   name -> value (after ":") -> line end (after CR) -> name or, after CR, last -> the end (after LF)
 */
const NAME = 0;
const VALUE = 1;
const LINE_END = 2;
const LAST = 3;

const findEnd: Framing["measure"] = (bytes, start, end, scan) => {
  let { state, count: nameLength } = scan;
  for (let at = start + scan.at; at < end; at++) {
    const byte = bytes[at]!;
    if (state === NAME) {
      if (isToken(byte)) nameLength++;
      else if (byte === COLON && nameLength > 0) state = VALUE;
      else if (byte === CR && nameLength === 0 && at > start) state = LAST;
      else throw notHeader(byte, "cannot be in the name of a header", at);
    } else if (state === VALUE) {
      if (byte === CR) state = LINE_END;
      else if (byte < 0x20 && byte !== TAB) throw notHeader(byte, "cannot be in a header", at);
    } else {
      if (byte !== LF) throw notHeader(byte, "follows a CR in place of LF", at);
      if (state === LAST) return at + 1 - start;
      state = NAME;
      nameLength = 0;
    }
  }
  scan.at = end - start;
  scan.state = state;
  scan.count = nameLength;
  return 0;
};

const MARK = "content-length:";

/** Start of the next `Content-Length`, case-insensitive: headers before it are lost with the noise. */
const findHeader: Framing["recover"] = (bytes, start, end, scan) => {
  // `state`: 1 after the first call. In the first call the bad header itself begins at `start`.
  let at = scan.state === 0 ? start + 1 : start;
  scan.state = 1;
  for (; at < end; at++) {
    let i = 0;
    while (i < MARK.length && at + i < end && lowered(bytes[at + i]!) === MARK.charCodeAt(i)) i++;
    if (i === MARK.length) return at - start;
    if (at + i === end) break;
  }
  scan.at = at - start;
  return -1;
};

const lowered = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte);

function notHeader(byte: number, what: string, at: number): ProtocolError {
  const text = `byte ${byte} ${what}: is other output, for example a log, written to this stream?`;
  return new ProtocolError("malformed", text, at);
}

/** Letters, digits and the other characters of a token (RFC 9110). */
function isToken(byte: number): boolean {
  const letter = byte | 0x20;
  if ((letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39)) return true;
  return "!#$%&'*+-.^_`|~".includes(String.fromCharCode(byte));
}

function payloadLength(bytes: Uint8Array, start: number, end: number): number {
  let found: string | undefined;
  for (const line of decodeLatin1(bytes, start, end).split("\r\n")) {
    const colon = line.indexOf(":");
    if (line.slice(0, colon).toLowerCase() !== "content-length") continue;
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
    if (!/^\d+$/.test(value) || (found !== undefined && value !== found)) {
      const text = found === undefined ? "is not a number" : "is given twice";
      throw new ProtocolError("malformed", `Content-Length ${text}`, start);
    }
    found = value;
  }
  if (found === undefined) {
    throw new ProtocolError("malformed", "header without Content-Length", start);
  }
  const length = Number(found);
  if (Number.isSafeInteger(length)) return length;
  throw new ProtocolError("too-long", `Content-Length of ${found.length} digits`, start);
}
