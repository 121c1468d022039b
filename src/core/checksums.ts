import { checkInteger } from "./range.ts";

/** A checksum of `bytes[start .. end)`: an unsigned integer. */
export type Checksum = (bytes: Uint8Array, start: number, end: number) => number;

/** A cyclic redundancy check by its parameters, as https://reveng.sourceforge.io/crc-catalogue lists them. */
export interface CrcParameters {
  /** Bits of the checksum: 8 to 32. */
  readonly width: number;
  /** The polynomial without its highest term, highest power first. */
  readonly polynomial: number;
  /**
   * Initial value of the register.
   * @defaultValue 0
   */
  readonly initial?: number | undefined;
  /**
   * True if bits are taken lowest first, and the result is reflected too.
   * @defaultValue false
   */
  readonly reflected?: boolean | undefined;
  /**
   * Value with which the result is XORed.
   * @defaultValue 0
   */
  readonly xorOut?: number | undefined;
}

/**
 * Makes a cyclic redundancy check. The ones in common use have names: see {@link crc16} and {@link crc32}.
 *
 * @example
 * ```ts
 * import { crc } from "framewright/framing";
 *
 * const smbus = crc({ width: 8, polynomial: 0x07 });
 * const check = Uint8Array.from("123456789", (c) => c.charCodeAt(0));
 * console.log(smbus(check, 0, check.length).toString(16));
 * //=> f4
 * ```
 *
 * @throws RangeError if a parameter does not fit
 */
export function crc(parameters: CrcParameters): Checksum {
  const { width, polynomial, initial = 0, reflected = false, xorOut = 0 } = parameters;
  checkInteger("width", width, 8, 32);
  const most = 2 ** width - 1;
  checkInteger("polynomial", polynomial, 1, most);
  checkInteger("initial", initial, 0, most);
  checkInteger("xorOut", xorOut, 0, most);
  // Reflected registers stand at the low end of 32 bits, the others at the high end.
  const shift = 32 - width;
  let table: Int32Array | undefined;
  if (reflected) {
    const first = reverse(initial << shift);
    const low = reverse(polynomial << shift);
    return (bytes, start, end) => {
      table ??= tableOf((i) => step8(i, (value) => (value >>> 1) ^ (value & 1 ? low : 0)));
      let value = first;
      for (let at = start; at < end; at++) {
        value = (value >>> 8) ^ table[(value ^ bytes[at]!) & 0xff]!;
      }
      return (value ^ xorOut) >>> 0;
    };
  }
  const first = initial << shift;
  const high = polynomial << shift;
  return (bytes, start, end) => {
    table ??= tableOf((i) => step8(i << 24, (value) => (value << 1) ^ (value < 0 ? high : 0)));
    let value = first;
    for (let at = start; at < end; at++) {
      value = (value << 8) ^ table[(value >>> 24) ^ bytes[at]!]!;
    }
    return ((value >>> shift) ^ xorOut) >>> 0;
  };
}

const tableOf = (entry: (byte: number) => number): Int32Array =>
  Int32Array.from({ length: 256 }, (_, byte) => entry(byte));

function step8(value: number, step: (value: number) => number): number {
  for (let i = 0; i < 8; i++) value = step(value);
  return value;
}

/** The 32 bits in the other order. */
function reverse(bits: number): number {
  let reversed = 0;
  for (let i = 0; i < 32; i++) reversed |= ((bits >>> i) & 1) << (31 - i);
  return reversed;
}

/** Polynomial, initial value, reflected (1) or not, XOR of the result. */
type Row = readonly [polynomial: number, initial: number, reflected: 0 | 1, xorOut: number];

/** The names of {@link crc16}. */
export type Crc16Name =
  | "arc"
  | "modbus"
  | "usb"
  | "umts"
  | "xmodem"
  | "kermit"
  | "ibm-3740"
  | "ibm-sdlc"
  | "genibus"
  | "mcrf4xx"
  | "dnp"
  | "en-13757";

const CRC16: Readonly<Record<Crc16Name, Row>> = {
  arc: [0x8005, 0, 1, 0],
  modbus: [0x8005, 0xffff, 1, 0],
  usb: [0x8005, 0xffff, 1, 0xffff],
  umts: [0x8005, 0, 0, 0],
  xmodem: [0x1021, 0, 0, 0],
  kermit: [0x1021, 0, 1, 0],
  "ibm-3740": [0x1021, 0xffff, 0, 0],
  "ibm-sdlc": [0x1021, 0xffff, 1, 0xffff],
  genibus: [0x1021, 0xffff, 0, 0xffff],
  mcrf4xx: [0x1021, 0xffff, 1, 0],
  dnp: [0x3d65, 0, 1, 0xffff],
  "en-13757": [0x3d65, 0, 0, 0xffff],
};

/** The names of {@link crc32}. */
export type Crc32Name = "iso-hdlc" | "iscsi" | "bzip2" | "mpeg-2" | "cksum" | "jamcrc" | "autosar";

const CRC32: Readonly<Record<Crc32Name, Row>> = {
  "iso-hdlc": [0x04c1_1db7, 0xffff_ffff, 1, 0xffff_ffff],
  iscsi: [0x1edc_6f41, 0xffff_ffff, 1, 0xffff_ffff],
  bzip2: [0x04c1_1db7, 0xffff_ffff, 0, 0xffff_ffff],
  "mpeg-2": [0x04c1_1db7, 0xffff_ffff, 0, 0],
  cksum: [0x04c1_1db7, 0, 0, 0xffff_ffff],
  jamcrc: [0x04c1_1db7, 0xffff_ffff, 1, 0],
  autosar: [0xf4ac_fb13, 0xffff_ffff, 1, 0xffff_ffff],
};

/**
 * Makes a CRC of 16 bits by its name in the catalogue. `"ibm-3740"` is what many call CCITT-FALSE, `"ibm-sdlc"` is X-25
 * and the FCS-16 of HDLC and PPP. For others see {@link crc}.
 *
 * @example
 * ```ts
 * import { crc16 } from "framewright/framing";
 *
 * const check = Uint8Array.from("123456789", (c) => c.charCodeAt(0));
 * console.log(crc16("modbus")(check, 0, check.length).toString(16));
 * //=> 4b37
 * ```
 *
 * @throws RangeError for an unknown name
 */
export function crc16(name: Crc16Name): Checksum {
  return named("crc16", 16, CRC16, name);
}

/**
 * Makes a CRC of 32 bits by its name in the catalogue: `"iso-hdlc"` is that of Ethernet, gzip, PNG and zip, `"iscsi"` is
 * CRC-32C. For others see {@link crc}.
 *
 * @defaultValue name `"iso-hdlc"`
 * @throws RangeError for an unknown name
 */
export function crc32(name: Crc32Name = "iso-hdlc"): Checksum {
  return named("crc32", 32, CRC32, name);
}

function named(
  family: string,
  width: number,
  rows: Readonly<Record<string, Row>>,
  name: string,
): Checksum {
  const names = Object.keys(rows);
  if (!names.includes(name)) {
    const text = `${family} "${String(name)}" is unknown; use ${names.join(", ")}, or crc({ ... })`;
    throw new RangeError(text);
  }
  const [polynomial, initial, reflected, xorOut] = rows[name]!;
  return crc({ width, polynomial, initial, reflected: reflected === 1, xorOut });
}

/** XOR of all bytes: the BCC of many serial protocols, JT/T 808, NMEA. */
export function xor8(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at++) sum ^= bytes[at]!;
  return sum;
}

/** Sum of all bytes, its low eight bits. */
export function sum8(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at++) sum = (sum + bytes[at]!) & 0xff;
  return sum;
}

/** Fletcher's checksum of 16 bits: two sums of bytes, modulo 255, the second one in the high byte. */
export function fletcher16(bytes: Uint8Array, start: number, end: number): number {
  let a = 0;
  let b = 0;
  for (let at = start; at < end; at++) {
    a = (a + bytes[at]!) % 255;
    b = (b + a) % 255;
  }
  return (b << 8) | a;
}

/**
 * Fletcher's checksum of 32 bits: two sums of 16-bit little-endian words, modulo 65535. A last odd byte counts as a word
 * of its own.
 */
export function fletcher32(bytes: Uint8Array, start: number, end: number): number {
  let a = 0;
  let b = 0;
  for (let at = start; at < end; at += 2) {
    a = (a + bytes[at]! + (at + 1 < end ? bytes[at + 1]! << 8 : 0)) % 0xffff;
    b = (b + a) % 0xffff;
  }
  return b * 0x1_0000 + a;
}

/** Adler-32, as in zlib (RFC 1950). */
export function adler32(bytes: Uint8Array, start: number, end: number): number {
  let a = 1;
  let b = 0;
  for (let at = start; at < end; at++) {
    a = (a + bytes[at]!) % 65_521;
    b = (b + a) % 65_521;
  }
  return b * 0x1_0000 + a;
}

/**
 * The Internet checksum (RFC 1071): the complement of the one's complement sum of 16-bit big-endian words. A last odd
 * byte is the high one of a word.
 */
export function internetChecksum(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at += 2) {
    sum += (bytes[at]! << 8) | (at + 1 < end ? bytes[at + 1]! : 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum ^ 0xffff;
}
