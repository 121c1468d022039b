// RESP, the protocol of Redis: both versions, both sides. A reply is a value, and values contain values: so
// `measure` walks through them, and stores its progress in `scan`.
// https://redis.io/docs/latest/develop/reference/protocol-spec/
//
//   +OK\r\n                          simple string        -ERR no\r\n      error
//   :42\r\n                          integer              $5\r\nhello\r\n  bulk string; $-1\r\n null
//   *2\r\n:1\r\n:2\r\n               array                %1\r\n+a\r\n:1\r\n  map
//   ~ set, > push, | attributes, _ null, # boolean, , double, ( big number, ! bulk error, = verbatim string
import {
  decimal,
  decodeUtf8,
  defineProtocol,
  indexOfByte,
  latin1,
  type Output,
  type Protocol,
  ProtocolError,
  type Scan,
} from "framewright";

/** An error reply of the server. It is a value: the caller receives it. */
export class ReplyError extends Error {
  override readonly name: string = "ReplyError";

  /** The first word: ERR, WRONGTYPE, MOVED. */
  get code(): string {
    return this.message.split(" ", 1)[0]!;
  }
}

/** A short text, for example OK, that servers write as a simple string. It is received as a string. */
export class Status {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A text with a format of three letters, for example `txt` or `mkd`. It is received as a string. */
export class Verbatim {
  readonly format: string;
  readonly text: string;

  constructor(format: string, text: string) {
    this.format = format;
    this.text = text;
  }
}

/** A message that a server sends without a request: a message of a channel, a key that changed. */
export class Push {
  readonly items: readonly Reply[];

  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/** A received value. */
export type Reply =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | ReplyError
  | Push
  | readonly Reply[]
  | ReadonlySet<Reply>
  | ReadonlyMap<Reply, Reply>;

/** A value that a server can send. */
export type Value =
  | Reply
  | Status
  | Verbatim
  | readonly Value[]
  | ReadonlySet<Value>
  | ReadonlyMap<Value, Value>;

/** A command of a client: a name and its arguments. */
export type Command = readonly [string, ...(string | Uint8Array | number)[]];

export interface RespOptions {
  /**
   * Version to write; both are read. A connection begins with 2, and HELLO changes it.
   * @defaultValue 3
   */
  readonly version?: 2 | 3 | undefined;
  /**
   * Bulk strings are received as bytes, not as text.
   * @defaultValue false
   */
  readonly bytes?: boolean | undefined;
  /**
   * Maximum size of a value, in bytes.
   * @defaultValue 1 MiB
   */
  readonly maxFrame?: number | undefined;
}

const CR = 0x0d;
const LF = 0x0a;
/** The shortest value: a type and a line end. */
const LEAST = 3;
/** Maximum nesting depth, because reading is recursive. */
const DEEPEST = 128;

/** Values of both versions: a server writes them and, with {@link client}, a client reads them. */
export function resp(options: RespOptions = {}): Protocol<Value, Reply> {
  const { version = 3, bytes: asBytes = false, maxFrame = 2 ** 20 } = options;
  return defineProtocol<Value, Reply>({
    name: `resp${version}`,
    maxFrame,
    measure: (bytes, start, end, scan) => measure(bytes, start, end, scan, maxFrame),
    decode(bytes, start, end) {
      place = start;
      const value = read({ bytes, start, end, asBytes, text: undefined }, 0);
      if (place === end) return value;
      throw malformed(`${end - place} bytes follow the value`, place);
    },
    encode: (value, out) => write(value, out, version),
  });
}

/** A client: sends commands, and receives replies and pushes. */
export function client(options: RespOptions = {}): Protocol<Command, Reply> {
  return defineProtocol<Command, Reply>({ ...resp(options), name: "redis", encode: writeCommand });
}

/** A server: receives commands, and sends values. */
export function server(options: RespOptions = {}): Protocol<Value, readonly string[]> {
  const both = resp(options);
  const { maxFrame, measure, encode } = both;
  return defineProtocol<Value, readonly string[]>({
    name: "redis",
    maxFrame,
    measure,
    encode,
    decode(bytes, start, end) {
      const command = both.decode(bytes, start, end);
      if (Array.isArray(command) && command.length > 0 && command.every(isText)) return command;
      throw malformed("a command is an array of bulk strings", start);
    },
  });
}

const isText = (item: unknown): item is string => typeof item === "string";

// scan.state: the start of the first incomplete value. scan.count: the number of values still expected,
// including it. scan.memo: the offset up to which its line end was searched. scan.at: the frame cannot be
// complete with fewer bytes.
function measure(
  bytes: Uint8Array,
  start: number,
  end: number,
  scan: Scan,
  maxFrame: number,
): number {
  let at = start + scan.state;
  let left = scan.count || 1;
  let searched = typeof scan.memo === "number" ? start + scan.memo : 0;
  let wanted = 0;
  while (at < end) {
    const type = bytes[at]!;
    // Nearly every line contains digits and is complete.
    let number = digits(bytes, at + 1, end);
    const isPlain = number >= 0;
    const next = isPlain ? place : lineEnd(bytes, Math.max(at + 1, searched), end);
    if (next === 0) {
      kindOf(type, at);
      searched = Math.max(at + 1, end - 1);
      wanted = end + 1;
      break;
    }
    searched = 0;
    const kind = kindOf(type, at);
    if (kind !== LINE && !isPlain) number = lengthIn(bytes, at, next);
    if (kind === STRING) {
      const stop = number < 0 ? next : next + number + 2;
      if (left === 1) return stop - start;
      checkRoom(stop - start + LEAST * (left - 1), maxFrame, at);
      if (stop > end) {
        wanted = stop + LEAST * (left - 1);
        break;
      }
      if (number >= 0) checkLineEnd(bytes, stop - 2);
      at = stop;
      left--;
    } else {
      if (kind > 0) left += kind * Math.max(0, number);
      // Attributes precede the value that they belong to.
      if (type !== 0x7c) left--;
      at = next;
      if (left === 0) return at - start;
      checkRoom(at - start + LEAST * left, maxFrame, at);
    }
  }
  scan.state = at - start;
  scan.count = left;
  scan.memo = searched > 0 ? searched - start : undefined;
  scan.at = Math.max(wanted, at + LEAST * left) - start;
  return 0;
}

// The content after the line of a value: nothing, a number of bytes, or a number of values (twice as many
// in maps).
const LINE = 0;
const VALUES = 1;
const PAIRS = 2;
const STRING = -1;
const NONE = -2;

const kinds = new Int8Array(256).fill(NONE);
for (const [types, kind] of [
  ["+-:_#,(", LINE],
  ["$!=", STRING],
  ["*~>", VALUES],
  ["%|", PAIRS],
] as const) {
  for (const type of types) kinds[type.charCodeAt(0)] = kind;
}

function kindOf(type: number, at: number): number {
  const kind = kinds[type]!;
  if (kind !== NONE) return kind;
  throw malformed(`byte ${type} does not begin a value`, at);
}

/** The position at which reading continues. Reading is never interrupted, so all readers share it. */
let place = 0;

/** The number in a line of at most 15 digits; -1 for any other line. Stores its end in `place`. */
function digits(bytes: Uint8Array, from: number, end: number): number {
  const stop = Math.min(end - 1, from + 15);
  let number = 0;
  let at = from;
  for (; at < stop; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) break;
    number = 10 * number + digit;
  }
  if (at === from || at + 1 >= end || bytes[at] !== CR || bytes[at + 1] !== LF) return -1;
  place = at + 2;
  return number;
}

/** The end of the line, after its CR and LF; 0 if it is not here yet. */
function lineEnd(bytes: Uint8Array, from: number, end: number): number {
  const cr = indexOfByte(bytes, CR, from, end);
  if (cr < 0 || cr + 1 === end) return 0;
  if (bytes[cr + 1] === LF) return cr + 2;
  throw malformed("CR without LF", cr);
}

function checkLineEnd(bytes: Uint8Array, at: number): void {
  if (bytes[at] !== CR || bytes[at + 1] !== LF) throw malformed("no line end after a string", at);
}

/** The length or count in the line `[at, next)`; -1 for the null of a string or an array. */
function lengthIn(bytes: Uint8Array, at: number, next: number): number {
  const length = decimal(bytes, at + 1, next - 2);
  const type = bytes[at];
  if (length >= 0 || (length === -1 && (type === 0x24 || type === 0x2a))) return length;
  throw malformed(`length ${length}`, at);
}

function checkRoom(least: number, maxFrame: number, at: number): void {
  if (least <= maxFrame) return;
  const text = `value of at least ${least} bytes exceeds maxFrame ${maxFrame}`;
  throw new ProtocolError("too-long", text, at);
}

const malformed = (text: string, at: number): ProtocolError =>
  new ProtocolError("malformed", text, at);

/** A frame that is being read. */
interface Input {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly asBytes: boolean;
  /** All of its text, if it is ASCII; "" if it is not; undefined before the first string. */
  text: string | undefined;
}

/** Cuts a string out of the text of the whole frame, which is cheaper than decoding each string. */
function textAt(input: Input, from: number, end: number): string {
  const { bytes, start } = input;
  input.text ??= asciiOf(bytes, start, input.end);
  if (input.text === "") return decodeUtf8(bytes, from, end);
  return input.text.slice(from - start, end - start);
}

/** The text of a value with nested values, if it is ASCII; else "". */
function asciiOf(bytes: Uint8Array, start: number, end: number): string {
  if (kinds[bytes[start]!]! < VALUES) return "";
  for (let at = start; at < end; at++) if (bytes[at]! > 0x7f) return "";
  // Cheaper than UTF-8.
  return ascii.decode(bytes, start, end);
}

const ascii = latin1();

function read(input: Input, depth: number): Reply {
  const { bytes, end } = input;
  const at = place;
  if (at >= end) throw malformed("a value is missing", at);
  const type = bytes[at]!;
  const number = digits(bytes, at + 1, end);
  if (number >= 0) {
    if (type === 0x24) return bulk(input, number);
    if (type === 0x3a) return number;
    if (type === 0x2a) return items(input, number, depth);
  } else {
    place = lineEnd(bytes, at + 1, end);
    if (place === 0) throw malformed("line without an end", at);
  }
  return readOther(input, at, depth);
}

/** The value with the line `[at, place)`. */
function readOther(input: Input, at: number, depth: number): Reply {
  const { bytes } = input;
  const next = place;
  switch (bytes[at]) {
    case 0x24: {
      // $ bulk string
      const length = lengthIn(bytes, at, next);
      return length < 0 ? null : bulk(input, length);
    }
    case 0x3a: // : integer
      return integer(bytes, at + 1, next - 2);
    case 0x2a: {
      // * array
      const count = lengthIn(bytes, at, next);
      return count < 0 ? null : items(input, count, depth);
    }
    case 0x2b: // + simple string
      return lineAt(input, at, next);
    case 0x2d: // - error
      return new ReplyError(lineAt(input, at, next));
    case 0x5f: // _ null
      if (next - at === 3) return null;
      break;
    case 0x23: // # boolean
      if (next - at === 4 && bytes[at + 1] === 0x74) return true;
      if (next - at === 4 && bytes[at + 1] === 0x66) return false;
      break;
    case 0x2c: // , double
      return double(lineAt(input, at, next), at);
    case 0x28: {
      // ( big number
      const text = lineAt(input, at, next);
      if (/^[+-]?\d+$/.test(text)) return BigInt(text.replace("+", ""));
      break;
    }
    case 0x21: // ! bulk error
      return new ReplyError(body(input, lengthIn(bytes, at, next)));
    case 0x3d: {
      // = verbatim string
      const text = body(input, lengthIn(bytes, at, next));
      if (text[3] === ":") return text.slice(4);
      break;
    }
    case 0x25: // % map
      return new Map(pairs(input, lengthIn(bytes, at, next), depth));
    case 0x7e: // ~ set
      return new Set(items(input, lengthIn(bytes, at, next), depth));
    case 0x3e: // > push
      return new Push(items(input, lengthIn(bytes, at, next), depth));
    case 0x7c: // | attributes, which describe the next value
      pairs(input, lengthIn(bytes, at, next), depth);
      return read(input, deeper(depth, at));
    default:
      kindOf(bytes[at]!, at);
  }
  throw malformed("not a value of its type", at);
}

function items(input: Input, count: number, depth: number): Reply[] {
  const inside = deeper(depth, place);
  if (LEAST * count > input.end - place) throw malformed(`${count} values are cut off`, place);
  // All of them have arrived, so this allocates no more than they need.
  const all = new Array<Reply>(count);
  const { bytes, end } = input;
  for (let i = 0; i < count; i++) {
    // Integers are the cheapest values, so one more call is noticeable.
    const number = bytes[place] === 0x3a ? digits(bytes, place + 1, end) : -1;
    all[i] = number >= 0 ? number : read(input, inside);
  }
  return all;
}

function pairs(input: Input, count: number, depth: number): [Reply, Reply][] {
  const all: [Reply, Reply][] = [];
  const inside = deeper(depth, place);
  for (let i = 0; i < count; i++) all.push([read(input, inside), read(input, inside)]);
  return all;
}

function lineAt(input: Input, at: number, next: number): string {
  const text = textAt(input, at + 1, next - 2);
  if (text.includes("\n")) throw malformed("LF without CR", at);
  return text;
}

/** The bulk string that begins at `place`. */
function bulk(input: Input, length: number): string | Uint8Array {
  if (!input.asBytes) return body(input, length);
  const from = place;
  pass(input, length);
  return input.bytes.subarray(from, from + length);
}

function body(input: Input, length: number): string {
  const from = place;
  pass(input, length);
  return textAt(input, from, from + length);
}

function pass({ bytes, end }: Input, length: number): void {
  const stop = place + length + 2;
  if (stop > end) throw malformed(`string of ${length} bytes is cut off`, place);
  checkLineEnd(bytes, stop - 2);
  place = stop;
}

function deeper(depth: number, at: number): number {
  if (depth < DEEPEST) return depth + 1;
  throw malformed(`more than ${DEEPEST} values within values`, at);
}

/** A number, or a bigint beyond 2^53. */
function integer(bytes: Uint8Array, from: number, end: number): number | bigint {
  // Numbers of up to 15 digits are exact.
  const first = bytes[from] === 0x2b ? from + 1 : from;
  if (end - first <= 15) return decimal(bytes, first, end);
  const digits = decodeUtf8(bytes, first, end);
  if (!/^-?\d+$/.test(digits)) throw malformed("not an integer", from);
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}

const DOUBLE = /^[+-]?\d+(\.\d*)?([eE][+-]?\d+)?$/;

function double(text: string, at: number): number {
  if (DOUBLE.test(text)) return Number(text);
  switch (text) {
    case "inf":
      return Infinity;
    case "-inf":
      return -Infinity;
    case "nan":
    case "-nan":
      return NaN;
    default:
      throw malformed("not a double", at);
  }
}

function writeCommand(command: Command, out: Output): Output {
  if (command.length === 0) throw new TypeError("a command needs a name");
  writeLine(out, `*${command.length}`);
  for (const part of command) {
    if (typeof part === "number") writeText("$", String(part), out);
    else if (typeof part === "string") writeText("$", part, out);
    else writeBytes(part, out);
  }
  return out;
}

function write(value: Value, out: Output, version: 2 | 3): Output {
  if (typeof value === "string") return writeText("$", value, out);
  if (value instanceof Uint8Array) return writeBytes(value, out);
  if (value instanceof Status) return writeSimple(out, "+", value.text);
  if (isList(value)) return writeAll(out, "*", value.length, value, version);
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return writeLine(out, `:${value}`);
  if (isInt64(value)) return writeLine(out, `:${value}`);
  if (value === null) return writeLine(out, version === 2 ? "$-1" : "_");
  const text = value instanceof ReplyError ? value.message : "";
  if (value instanceof ReplyError && !/[\r\n]/.test(text)) return writeSimple(out, "-", text);
  // The other types were added in version 3.
  if (version === 2) throw new TypeError("RESP 2 has no such value");
  if (typeof value === "boolean") return writeLine(out, value ? "#t" : "#f");
  if (typeof value === "number") return writeLine(out, `,${doubleText(value)}`);
  if (typeof value === "bigint") return writeLine(out, `(${value}`);
  if (value instanceof ReplyError) return writeText("!", text, out);
  if (value instanceof Verbatim) return writeVerbatim(value, out);
  if (value instanceof Push) return writeAll(out, ">", value.items.length, value.items, version);
  if (value instanceof Set) return writeAll(out, "~", value.size, value, version);
  if (value instanceof Map) return writeAll(out, "%", value.size, [...value].flat(), version);
  throw new TypeError("RESP has no such value");
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

/** A bigint that is read back as a bigint. */
const isInt64 = (value: Value): boolean =>
  typeof value === "bigint" &&
  BigInt.asIntN(64, value) === value &&
  !Number.isSafeInteger(Number(value));

function writeAll(
  out: Output,
  type: string,
  count: number,
  values: Iterable<Value>,
  version: 2 | 3,
): Output {
  writeLine(out, `${type}${count}`);
  for (const value of values) write(value, out, version);
  return out;
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (Object.is(value, -0)) return "-0";
  return String(value).replace("Infinity", "inf");
}

function writeVerbatim({ format, text }: Verbatim, out: Output): Output {
  if (!/^[a-z]{3}$/.test(format)) throw new TypeError("a format has three letters");
  return writeText("=", `${format}:${text}`, out);
}

function writeSimple(out: Output, type: string, text: string): Output {
  if (/[\r\n]/.test(text)) throw new TypeError("a simple string is one line");
  return writeLine(out, type + text);
}

function writeLine(out: Output, line: string): Output {
  return out.utf8(line).u8(CR).u8(LF);
}

function writeBytes(bytes: Uint8Array, out: Output): Output {
  writeLine(out, `$${bytes.length}`);
  return out.bytes(bytes).u8(CR).u8(LF);
}

/** The length counts bytes, so the text is written first, and then the line before it. */
function writeText(type: string, text: string, out: Output): Output {
  const at = out.length;
  out.utf8(text);
  const line = `${type}${out.length - at}\r\n`;
  out.insert(at, line.length);
  for (let i = 0; i < line.length; i++) out.patch(at + i, 1, line.charCodeAt(i));
  return out.u8(CR).u8(LF);
}
