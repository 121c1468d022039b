import { ProtocolError, withHint } from "../core/index.ts";
import { frameLimit } from "./frame-limit.ts";
import { type FramePosition, framing, type WrappingFraming } from "./framing.ts";

const ZERO = 0x30;
/** More digits would not fit a safe integer. */
export const MOST_DIGITS = 15;

/** A length in digits with the parts around it; all options filled in. */
interface Digits {
  readonly name: string;
  readonly maxFrame: number | undefined;
  readonly text: boolean;
  /** Number of digits; undefined if they end at the delimiter. */
  readonly digits: number | undefined;
  readonly delimiter: Uint8Array;
  readonly trailer: Uint8Array;
  readonly leadingZeros: boolean;
  /** Length of the frame with the number 0, without the digits in front of a delimiter. */
  readonly add: number;
}

/** Makes a framing by a length in decimal digits; `decimalPrefixed` and `netstring` are built from it. */
export function digitsFraming(parts: Digits): WrappingFraming {
  const { digits, delimiter, trailer, leadingZeros, add } = parts;
  const most = 10 ** (digits ?? MOST_DIGITS) - 1;
  const least = (digits ?? 1) + delimiter.length + trailer.length;

  const frameLength = (number: number, header: number, start: number): number => {
    const length = number + add + (digits === undefined ? header - delimiter.length : 0);
    if (length >= header + trailer.length) return length;
    const text = `length ${number} means a frame of ${length} bytes, too few for its header`;
    throw new ProtocolError("malformed", text, start);
  };
  const payloadStart: FramePosition = (bytes, start) => {
    let at = start + (digits ?? 0);
    if (digits === undefined) while (isDigit(bytes[at])) at++;
    return at + delimiter.length;
  };

  return framing({
    hint: withHint,
    name: parts.name,
    maxFrame: frameLimit(
      parts.maxFrame,
      least,
      most + add + (digits === undefined ? MOST_DIGITS : 0),
    ),
    text: parts.text,
    layout: [
      digits === undefined
        ? { name: "length", kind: "length", size: "digits", add }
        : { name: "length", kind: "length", size: digits, digits: true, add },
      ...part("delimiter", delimiter),
      { name: "payload", kind: "payload", size: "rest" },
      ...part("trailer", trailer),
    ],
    // `at`: bytes of the header that were read. `count`: the number so far. `state`: its number of digits,
    // once the delimiter has begun.
    measure(bytes, start, end, scan) {
      let { at, count, state } = scan;
      for (; start + at < end; at++) {
        const byte = bytes[start + at]!;
        if (state === 0 && isDigit(byte)) {
          if (!leadingZeros && at === 1 && count === 0) throw misplaced(byte, at, start);
          if (at === MOST_DIGITS) {
            const text = `length of more than ${MOST_DIGITS} digits`;
            throw new ProtocolError("too-long", text, start);
          }
          count = 10 * count + byte - ZERO;
          if (at + 1 === digits) return frameLength(count, digits, start);
          continue;
        }
        if (state === 0) state = at;
        // Also for a delimiter before any digit, and if there is no delimiter.
        if (state === 0 || byte !== delimiter[at - state]) throw misplaced(byte, at, start);
        if (at + 1 - state === delimiter.length) return frameLength(count, at + 1, start);
      }
      scan.at = at;
      scan.count = count;
      scan.state = state;
      return 0;
    },
    payloadStart,
    payloadEnd(bytes, start, end) {
      const at = end - trailer.length;
      for (let i = 0; i < trailer.length; i++) {
        const byte = bytes[at + i];
        if (byte !== trailer[i]) {
          const text = `frame of ${end - start} bytes ends in byte ${byte}, not in ${trailer[i]}`;
          throw new ProtocolError("malformed", text, at + i);
        }
      }
      return at;
    },
    open(out) {
      if (digits !== undefined) out.reserve(digits);
    },
    close(out, start) {
      out.bytes(trailer);
      const length = out.length - start + (digits === undefined ? delimiter.length : 0);
      const number = length - add;
      if (number < 0 || number > most) {
        const text = `frame of ${length} bytes has no length from 0 to ${most}`;
        throw new ProtocolError("unencodable", text);
      }
      const text = String(number).padStart(digits ?? 1, "0");
      if (digits === undefined) out.insert(start, text.length + delimiter.length);
      const room = out.view(start);
      for (let i = 0; i < text.length; i++) room[i] = text.charCodeAt(i);
      room.set(delimiter, text.length);
    },
  });
}

const isDigit = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= ZERO && byte <= ZERO + 9;

const part = (name: "delimiter" | "trailer", bytes: Uint8Array) =>
  bytes.length > 0 ? [{ name, kind: name, size: bytes.length, bytes: bytes.slice() }] : [];

function misplaced(byte: number, at: number, start: number): ProtocolError {
  return new ProtocolError("malformed", `byte ${byte} at digit ${at} of a length`, start + at);
}
