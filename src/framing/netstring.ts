import { ProtocolError } from "../core/index.ts";
import { frameLimit } from "./frame-limit.ts";
import { type FramingOptions, framing, type WrappingFraming } from "./framing.ts";

const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const COMMA = 0x2c;

/**
 * Netstrings (https://cr.yp.to/proto/netstrings.txt): length in decimal digits, colon, body, comma.
 *
 * ```text
 *   35 3a 68 65 6c 6c 6f 2c       5:hello,
 *   30 3a 2c                      0:,
 * ```
 *
 * Leading zeros, a missing comma and anything but digits before the colon are `malformed`.
 *
 * @param options - `maxFrame`: largest whole frame, length, colon and comma included
 * @defaultValue maxFrame 1 MiB
 */
export function netstring(options: FramingOptions = {}): WrappingFraming {
  const maxFrame = frameLimit(options.maxFrame, 3);
  return framing({
    name: "netstring",
    maxFrame,
    text: true,
    measure(bytes, start, end) {
      let length = 0;
      for (let at = start; at < end; at++) {
        const byte = bytes[at]!;
        // The comma is decode's business: the answer must not depend on whether it is here yet.
        if (byte === COLON && at > start) return at + 1 - start + length + 1;
        if (byte < ZERO || byte > NINE || (length === 0 && at > start)) {
          const text = `byte ${byte} at digit ${at - start} of a netstring's length`;
          throw new ProtocolError("malformed", text, at);
        }
        length = length * 10 + byte - ZERO;
        if (length > maxFrame) {
          const text = `netstring of ${length} bytes or more exceeds maxFrame ${maxFrame}`;
          throw new ProtocolError("too-long", text, start);
        }
      }
      return 0;
    },
    payloadStart(bytes, start) {
      let at = start;
      while (bytes[at] !== COLON) at++;
      return at + 1;
    },
    payloadEnd(bytes, _, end) {
      checkComma(bytes, end - 1);
      return end - 1;
    },
    close(out, start) {
      const digits = String(out.length - start);
      out.insert(start, digits.length + 1);
      for (let i = 0; i < digits.length; i++) out.patch(start + i, 1, digits.charCodeAt(i));
      out.patch(start + digits.length, 1, COLON).u8(COMMA);
    },
  });
}

function checkComma(bytes: Uint8Array, at: number): void {
  if (bytes[at] === COMMA) return;
  throw new ProtocolError("malformed", `netstring ends in byte ${bytes[at]}, not in a comma`, at);
}
