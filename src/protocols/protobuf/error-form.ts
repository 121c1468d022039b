import { decodeUtf8, type Output } from "../../core/index.ts";
import { writeText, writeType } from "./header.ts";
import type { HeaderError } from "./header-types.ts";
import { LEN, VARINT, WireReader } from "./wire.ts";

/** The type that an error's header names. */
const NAME = "common.ErrorResp";

/**
 * Writes an error: the bytes of a header and those of the error, without tag or length around either. The whole is
 * no message of any type: numbers 1 and 2 stand in it twice.
 *
 * ```text
 *   0a 10 "common.ErrorResp"   10 07    0a 0c "SERVER_ERROR"   12 15 "Internal server error"
 *   header { msg_type,         seq }    error { code,          message }
 * ```
 * @internal
 */
export function writeError(out: Output, { seq, code, text }: HeaderError): void {
  writeType(out, NAME, seq);
  // A code that is left out would be looked for in vain: it stands there even when it is empty.
  writeText(out, 1, code);
  if (text !== "") writeText(out, 2, text);
}

/**
 * Reads an error; undefined if the bytes are none. The server does not write its fields in a fixed order, but
 * header before error: the first field 1 is the name, the second the code; seq and text share number 2, but not the
 * wire type. No response looks like this: its first field 1 is a message in it, which these 16 letters are not.
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
