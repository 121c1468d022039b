import { readFileSync } from "node:fs";

/** A piece of a byte string: hex, a hex unit repeated, or bytes by a rule. */
type Segment = string | { rep: [string, number] } | { rule: string; length: number };

/** Hex, or several pieces. */
export type Bytes = string | readonly Segment[];

/** One step of a recorded transcript. */
export interface Step {
  from: string;
  to: string;
  hex: Bytes;
  meaning: string;
  event?: "close";
}

/** A recorded conversation between real endpoints and the real gateway. */
export interface Transcript {
  name: string;
  dialect: "v1" | "v2";
  gatewayCommit: string;
  authKey: string;
  options?: Record<string, string>;
  outcome?: Record<string, unknown>;
  steps: Step[];
}

/** One golden vector; which fields it has depends on its codec. */
export interface Vector {
  codec: string;
  name: string;
  hex?: Bytes;
  dialect?: "v1" | "v2" | "both";
  direction?: string[];
  decodeOnly?: boolean;
  quirk?: string;
  error?: string;
  maxPacket?: number;
  challenge?: string;
  key?: string;
  headBytes?: 1 | 2 | 4 | 8;
  byteOrder?: "little" | "big";
  maxRecv?: number;
  sha256?: string;
  byteLength?: number;
  value?: Record<string, unknown>;
}

interface Vectors {
  cases: Vector[];
  invalid: Vector[];
  transcripts: Transcript[];
}

const path = new URL("../vectors/fastway.json", import.meta.url);

/** The golden vectors, made by the Go implementation. */
export const vectors = JSON.parse(readFileSync(path, "utf8")) as Vectors;

/** The bytes that a field of the vectors stands for. */
export function bytesOf(field: Bytes): Uint8Array<ArrayBuffer> {
  const segments = typeof field === "string" ? [field] : field;
  return new Uint8Array(Buffer.concat(segments.map(bytesOfSegment)));
}

function bytesOfSegment(segment: Segment): Uint8Array {
  if (typeof segment === "string") return Buffer.from(segment, "hex");
  if ("rep" in segment) return Buffer.from(segment.rep[0].repeat(segment.rep[1]), "hex");
  if (segment.rule !== "i*31+7") throw new Error(`unknown rule ${segment.rule}`);
  return new Uint8Array(segment.length).map((_, i) => (i * 31 + 7) & 255);
}

/** Bytes as hex, for comparing. */
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** A value whose bytes are hex: comparing long arrays one by one takes seconds. */
export function withHex(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withHex(one)]));
}
