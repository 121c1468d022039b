import { readFileSync } from "node:fs";
import { bytesOf, type Hex } from "../../../support/hex.ts";

// Test vectors written by the Go implementation: see `legend` in the file.

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

/** Converts the vector's packet to this library's. */
export function packetOf(value: VectorPacket): {
  ver: number;
  op: number;
  seq: number;
  body: Uint8Array;
} {
  const { ver, op, seq, bodyHex } = value;
  return { ver, op, seq, body: bytesOf(bodyHex ?? "") };
}
