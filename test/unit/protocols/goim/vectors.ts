import { readFileSync } from "node:fs";

// The golden vectors, made by the Go implementation: see `legend` in the file.

/** A byte string: hex, or segments to be joined. */
type Hex = string | readonly (string | Repeated | Ruled)[];
interface Repeated {
  readonly rep: readonly [string, number];
}
interface Ruled {
  readonly rule: keyof typeof RULES;
  readonly length: number;
}

export interface VectorPacket {
  readonly ver: number;
  readonly op: number;
  readonly seq: number;
  readonly bodyHex: Hex | null;
  readonly bodyJson?: string;
  readonly online?: number;
}

export interface ChatValue extends VectorPacket {
  readonly kind: "send" | "receive" | "reply";
  readonly from: number;
  readonly to: number;
  readonly chatId: string;
  readonly ret: number;
  readonly msgHex: string;
}

export interface VectorCase {
  readonly name: string;
  readonly codec: string;
  readonly direction: "both" | "encode" | "encode-server" | "decode-server";
  readonly value: VectorPacket & { readonly packets?: readonly VectorPacket[] };
  readonly hex: Hex;
}

interface Invalid {
  readonly name: string;
  readonly codec: string;
  readonly kind: "truncated" | "header-length" | "pack-length" | "json";
  readonly hex: Hex;
}

export interface Quirk {
  readonly name: string;
  readonly codec: string;
  readonly hex?: Hex;
  readonly input?: string | VectorPacket;
  readonly goResult?: unknown;
  readonly goError?: string;
}

interface Vectors {
  readonly cases: readonly VectorCase[];
  readonly invalid: readonly Invalid[];
  readonly quirks: readonly Quirk[];
}

const path = new URL("../../../vectors/goim.json", import.meta.url);
export const vectors: Vectors = JSON.parse(readFileSync(path, "utf8")) as Vectors;

const RULES = {
  "255-i": (i: number) => 255 - i,
  i: (i: number) => i,
  "i*13": (i: number) => i * 13,
  "i*7+3": (i: number) => i * 7 + 3,
};

/** The bytes of a byte string. */
export function bytesOf(hex: Hex): Uint8Array {
  const segments = typeof hex === "string" ? [hex] : hex;
  return Uint8Array.from(segments.flatMap((segment) => [...segmentBytes(segment)]));
}

function segmentBytes(segment: string | Repeated | Ruled): Uint8Array {
  if (typeof segment === "string") return Uint8Array.from(Buffer.from(segment, "hex"));
  if ("rep" in segment) {
    return Uint8Array.from(Buffer.from(segment.rep[0].repeat(segment.rep[1]), "hex"));
  }
  return Uint8Array.from({ length: segment.length }, (_, i) => RULES[segment.rule](i));
}

/** The vector's packet as this library has it. */
export function packetOf(value: VectorPacket): {
  ver: number;
  op: number;
  seq: number;
  body: Uint8Array;
} {
  const { ver, op, seq, bodyHex } = value;
  return { ver, op, seq, body: bytesOf(bodyHex ?? "") };
}
