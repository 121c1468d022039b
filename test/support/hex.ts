// Bytes as the golden vectors and the tests write them down.

/** Hex digits, in groups if you like; or segments: digits, digits repeated, bytes by a rule. */
export type Hex = string | readonly Segment[];

type Segment =
  | string
  | { readonly rep: readonly [digits: string, count: number] }
  | { readonly rule: keyof typeof RULES; readonly length: number };

const RULES = {
  "255-i": (i: number) => 255 - i,
  i: (i: number) => i,
  "i*13": (i: number) => i * 13,
  "i*31+7": (i: number) => i * 31 + 7,
  "i*7+3": (i: number) => i * 7 + 3,
};

/** The bytes that are written down as `hex`. */
export function bytesOf(hex: Hex): Uint8Array<ArrayBuffer> {
  const segments = typeof hex === "string" ? [hex] : hex;
  const digits = segments.map(digitsOf).join("").replace(/\s/g, "");
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

function digitsOf(segment: Segment): string {
  if (typeof segment === "string") return segment;
  if ("rep" in segment) return segment.rep[0].repeat(segment.rep[1]);
  const rule = RULES[segment.rule];
  if (rule === undefined) throw new Error(`unknown rule ${segment.rule}`);
  return hexOf(Uint8Array.from({ length: segment.length }, (_, i) => rule(i)));
}

/** Bytes as hex digits: long ones are compared much faster so. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
