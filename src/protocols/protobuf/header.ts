import { fitsInteger, type Output, ProtocolError } from "../../core/index.ts";
import { insertVarint } from "../../framing/index.ts";
import type { NameTable } from "./name-table.ts";
import { LEN, VARINT, WireReader } from "./wire.ts";

/*
 * The header in front of a typed message, as its field 1. Every message type that is sent like this
 * declares it:
 *
 *   message Header { string msg_type = 1; uint32 seq = 2; uint32 version = 3; int64 timestamp = 4;
 *                    string client_version = 5; }
 *
 *   0a 11  0a 0d 67616d652e4c6f67696e526571  10 01   12 05 616c696365
 *   field 1, 17 bytes: "game.LoginReq"       seq 1   the other fields of the message
 */

const FIRST_TAG = 0x0a;
const TYPE = 1;
const SEQ = 2;

/** Header fields in addition to type and sequence number. */
export interface HeaderExtras {
  /** Field 3, uint32. */
  readonly version?: number | undefined;
  /** Field 4, int64. */
  readonly timestamp?: bigint | number | undefined;
  /** Field 5. */
  readonly clientVersion?: string | undefined;
}

/** The parts of a header that tell messages apart. @internal */
export interface Header {
  /** `""` if the header has no type, or an unknown one. */
  readonly type: string;
  readonly seq: number;
}

/** A message that does not start with a header. @internal */
export class NoHeader {
  readonly cause: ProtocolError;
  /** True if there is a field 1 that is not a valid header. */
  readonly isBroken: boolean;

  constructor(isBroken: boolean, cause: ProtocolError) {
    this.isBroken = isBroken;
    this.cause = cause;
  }
}

/**
 * Reads the header at the start of a message. It must be the first field on the wire, with the byte
 * 0a as its tag.
 * @internal
 */
export function readHeader(
  bytes: Uint8Array,
  start: number,
  end: number,
  names: NameTable,
): Header | NoHeader {
  const first = start < end ? bytes[start]! : -1;
  if (first !== FIRST_TAG) {
    const found = first < 0 ? "an empty message" : `byte ${first}`;
    const text = `${found} instead of a header (field 1, byte ${FIRST_TAG})`;
    return new NoHeader(false, new ProtocolError("malformed", text, start));
  }
  const message = new WireReader(bytes, start, end);
  try {
    message.next();
  } catch (error) {
    return new NoHeader(false, error as ProtocolError);
  }
  try {
    return readFields(new WireReader(bytes, message.from, message.to), names);
  } catch (error) {
    return new NoHeader(true, error as ProtocolError);
  }
}

function readFields(header: WireReader, names: NameTable): Header {
  let type = "";
  let seq = 0;
  while (header.next()) {
    if (header.field === TYPE) {
      expectType(header, LEN);
      type = names.find(header.bytes, header.from, header.to);
    } else if (header.field === SEQ) {
      expectType(header, VARINT);
      seq = header.low;
    }
  }
  return { type, seq };
}

function expectType(header: WireReader, type: number): void {
  if (header.type === type) return;
  const text = `field ${header.field} of the header has wire type ${header.type}, not ${type}`;
  throw new ProtocolError("malformed", text, header.from);
}

/**
 * Writes a header as field 1. Fields that are 0 or empty are left out, as always in protobuf.
 *
 * @throws ProtocolError `unencodable` for a number that its field cannot hold
 * @internal
 */
export function writeHeader(
  out: Output,
  type: string,
  seq: number,
  extras: HeaderExtras | undefined,
): void {
  out.u8(FIRST_TAG);
  const start = out.length;
  writeType(out, type, seq);
  const { version = 0, timestamp = 0, clientVersion = "" } = extras ?? {};
  if (!isUint32(version)) refuse("version", "uint32", version);
  if (version > 0) writeVarint(out, 3, version);
  if (!fitsInteger(timestamp, 64)) refuse("timestamp", "int64", timestamp);
  if (BigInt(timestamp) !== 0n) writeVarint(out, 4, BigInt.asUintN(64, BigInt(timestamp)));
  if (clientVersion !== "") writeText(out, 5, clientVersion);
  insertLength(out, start);
}

/** Writes the first two fields of a header. Throws like `writeHeader`. @internal */
export function writeType(out: Output, type: string, seq: number): void {
  if (!isUint32(seq)) refuse("seq", "uint32", seq);
  writeText(out, TYPE, type);
  if (seq > 0) writeVarint(out, SEQ, seq);
}

const isUint32 = (value: number): boolean => value >>> 0 === value;

function refuse(field: string, type: string, value: unknown): never {
  const shown = typeof value === "number" || typeof value === "bigint" ? value : typeof value;
  throw new ProtocolError("unencodable", `header.${field}: ${type} cannot hold ${shown}`);
}

/** @internal */
export function writeText(out: Output, field: number, text: string): void {
  out.u8((field << 3) | LEN);
  const start = out.length;
  insertLength(out.utf8(text), start);
}

function writeVarint(out: Output, field: number, value: number | bigint): void {
  out.u8((field << 3) | VARINT).varint(value);
}

/** Inserts the length of everything written from `start` on. */
function insertLength(out: Output, start: number): void {
  insertVarint(out, start, out.length - start);
}
