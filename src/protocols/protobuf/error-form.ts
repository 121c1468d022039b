import { decodeUtf8, type Output } from "../../core/index.ts";
import { writeText, writeType } from "./header.ts";
import type { HeaderError } from "./header-types.ts";
import { LEN, VARINT, WireReader } from "./wire.ts";

/** Type name in the header of an error. */
const NAME = "common.ErrorResp";

/**
 * Writes an error: the bytes of a header, then those of the error, both without tag or length. The
 * result is not a valid message, because it contains the numbers 1 and 2 twice.
 *
 * ```text
 *   0a 10 "common.ErrorResp"   10 07    0a 0c "SERVER_ERROR"   12 15 "Internal server error"
 *   header { msg_type,         seq }    error { code,          message }
 * ```
 * @internal
 */
export function writeError(out: Output, { seq, code, text }: HeaderError): void {
  writeType(out, NAME, seq);
  // Written even if it is empty, because readers expect it.
  writeText(out, 1, code);
  if (text !== "") writeText(out, 2, text);
}

/**
 * Reads an error; undefined if the bytes are not one. The server writes fields in any order, but
 * the header before the error: the first field 1 is the name, the second the code; seq and text
 * share number 2, but not the wire type. A response cannot look like this: its first field 1 is a
 * message, which these 16 letters are not.
 * @internal
 */
export function readError(bytes: Uint8Array, start: number, end: number): HeaderError | undefined {
  const reader = new WireReader(bytes, start, end);
  let names = 0;
  let seq = 0;
  let code = "";
  let text = "";
  try {
    while (reader.next()) {
      const { field, type, from, to } = reader;
      if (field === 1 && type === LEN) {
        names++;
        if (names === 1 && !isName(bytes, from, to)) return undefined;
        if (names === 2) code = decodeUtf8(bytes, from, to);
      } else if (field === 2 && type === VARINT) {
        seq = reader.low;
      } else if (field === 2 && type === LEN) {
        text = decodeUtf8(bytes, from, to);
      }
    }
  } catch {
    return undefined;
  }
  return names === 0 ? undefined : { kind: "error", seq, code, text };
}

function isName(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== NAME.length) return false;
  for (let i = 0; i < NAME.length; i++) if (bytes[from + i] !== NAME.charCodeAt(i)) return false;
  return true;
}
