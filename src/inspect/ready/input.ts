import { decodeLatin1 } from "../../core/index.ts";

/** The notation of bytes. */
export type InputKind = "raw" | "hex" | "dump" | "pcap";

export const INPUT_KINDS: readonly InputKind[] = ["raw", "hex", "dump", "pcap"];

const MAGICS: readonly number[] = [0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1, 0x0a0d0d0a];

/** Guesses the kind of a file: a capture, hex text, a hex dump, otherwise raw bytes. */
export function kindOf(bytes: Uint8Array): InputKind {
  const { length } = bytes;
  const start = new DataView(bytes.buffer, bytes.byteOffset, length);
  if (length >= 4 && MAGICS.includes(start.getUint32(0))) return "pcap";
  const head = decodeLatin1(bytes, 0, Math.min(length, 4096));
  if (!/^[\t\r\n\x20-\x7e]*$/.test(head) || head.trim() === "") return "raw";
  const lines = head.split("\n").filter((line) => line.trim() !== "");
  // The last line may be cut off.
  const whole = lines.length > 1 && length > head.length ? lines.slice(0, -1) : lines;
  const isDump = (line: string): boolean => line.trim() === "*" || dumpLine(line) !== undefined;
  // Addresses are also hex digits, so check for a dump first; it begins at 0.
  if (dumpLine(whole[0]!)?.at === 0 && whole[0]!.trim().length > 8 && whole.every(isDump))
    return "dump";
  const isCut = whole.length === lines.length && length > head.length;
  const isHex = (line: string, i: number): boolean =>
    (isCut && i === whole.length - 1 ? CUT_HEX_LINE : HEX_LINE).test(line);
  return whole.every(isHex) ? "hex" : "raw";
}

const HEX_LINE = /^\s*((0x)?[0-9a-f]{2}[\s,:]*)+$/i;
/** The same, cut off anywhere. */
const CUT_HEX_LINE = /^\s*((0x)?[0-9a-f]{2}[\s,:]*)+(0x)?[0-9a-f]?$/i;

/**
 * Reads hex text: pairs of digits, optionally with `0x`, commas, colons, and comments after `#` or `//`.
 *
 * @throws SyntaxError for other text
 */
export function fromHex(text: string): Uint8Array {
  const digits = /[#/x]/i.test(text)
    ? text.replace(/(#|\/\/).*$/gm, "").replace(/0x/gi, " ")
    : text;
  const bytes = new Uint8Array(digits.length >> 1);
  let length = 0;
  let high = -1;
  for (let at = 0; at < digits.length; at++) {
    const digit = digitOf(digits.charCodeAt(at));
    if (digit < 0) {
      const char = digits[at]!;
      if (!/[\s,:]/.test(char))
        throw new SyntaxError(`not hex: ${JSON.stringify(char)} is not a hex digit`);
    } else if (high < 0) high = digit;
    else {
      bytes[length++] = high * 16 + digit;
      high = -1;
    }
  }
  if (high >= 0) throw new SyntaxError("not hex: an odd number of digits");
  return bytes.slice(0, length);
}

/**
 * Reads a hex dump of xxd, hexdump -C, od -A x -t x1, or Wireshark.
 *
 * @throws SyntaxError for other text
 */
export function fromDump(text: string): Uint8Array {
  const pieces: Uint8Array[] = [];
  let length = 0;
  let repeats = false;
  for (const [n, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    // A star stands for repeated lines.
    if (line.trim() === "*") {
      repeats = true;
      continue;
    }
    const found = dumpLine(line);
    if (found === undefined) throw badDump(n, "is not part of a hex dump");
    const last = pieces.at(-1);
    for (; repeats && last !== undefined && length < found.at; length += last.length)
      pieces.push(last);
    repeats = false;
    if (found.at !== length)
      throw badDump(n, `has the address ${found.at}, but follows ${length} bytes`);
    pieces.push(found.bytes);
    length += found.bytes.length;
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

const badDump = (n: number, what: string): Error => new SyntaxError(`line ${n + 1} ${what}`);

/** Reads an address and bytes; undefined for any other line. */
function dumpLine(line: string): { readonly at: number; readonly bytes: Uint8Array } | undefined {
  const parts = /^\s*(?:0x)?([0-9a-f]{4,16})(:?)(?:\s+(\S.*))?$/i.exec(line.trimEnd());
  if (parts === null) return undefined;
  const [, at = "", colon, rest = ""] = parts;
  // Text follows the bytes: after a bar, after two spaces (xxd), or after three (other dumps have two
  // between bytes).
  const [digits = ""] = rest.split(rest.includes("|") ? "|" : colon === ":" ? "  " : "   ");
  const hex = digits.replace(/ /g, "");
  if (!/^([0-9a-f]{2})*$/i.test(hex)) return undefined;
  return { at: Number.parseInt(at, 16), bytes: fromDigits(hex) };
}

/** Reads an even number of hex digits. */
function fromDigits(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length / 2);
  for (let at = 0; at < bytes.length; at++)
    bytes[at] = digitOf(digits.charCodeAt(2 * at)) * 16 + digitOf(digits.charCodeAt(2 * at + 1));
  return bytes;
}

/** The value of a hex digit; -1 for any other character. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
