import { readFileSync } from "node:fs";
import { type Hex, hexOf } from "./hex.ts";

/** One step of a recorded transcript. */
export interface Step {
  from: string;
  to: string;
  hex: Hex;
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
  hex?: Hex;
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

/** A value whose bytes are hex: comparing long arrays one by one takes seconds. */
export function withHex(value: unknown): unknown {
  if (value instanceof Uint8Array) return hexOf(value);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withHex(one)]));
}
