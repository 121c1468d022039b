import { readFileSync } from "node:fs";
import { bytesOf, type Hex } from "./hex.ts";

/** A value as the vector file writes it. */
export type Shown = unknown;

export interface Vectors {
  readonly schemas: Readonly<Record<string, string>>;
  readonly cases: readonly {
    name: string;
    schema: string;
    type: string;
    value: Shown;
    decoded?: Shown;
    hex: Hex;
    packedHex: Hex;
  }[];
  readonly decode: readonly {
    name: string;
    schema: string;
    type: string;
    hex: Hex;
    value: Shown;
    consumed: number;
    reencodedHex: Hex;
  }[];
  readonly bundles: readonly { schema: string; hex: Hex }[];
  readonly pack: readonly { name: string; rawHex: Hex; packedHex: Hex }[];
  readonly unpack: readonly { name: string; packedHex: Hex; rawHex: Hex; repackedHex: Hex }[];
  readonly rpc: readonly RpcVector[];
  readonly netpack: readonly NetpackVector[];
  readonly invalid: readonly InvalidVector[];
}

export interface RpcVector {
  name: string;
  schema: string;
  package: string;
  proto: string;
  tag: number;
  session?: number;
  ud?: Shown;
  request?: Shown;
  requestPackedHex: Hex;
  requestRawHex: Hex;
  requestFramedHex: Hex;
  dispatched?: Shown;
  dispatchedUd?: Shown;
  hasResponder: boolean;
  response?: Shown;
  responseUd?: Shown;
  responsePackedHex?: Hex;
  responseRawHex?: Hex;
  responseFramedHex?: Hex;
  dispatchedResponse?: Shown;
  dispatchedResponseUd?: Shown;
}

interface NetpackVector {
  name: string;
  what: "pack" | "stream";
  payload?: Hex | { $repHex: [string, number] };
  frame?: Hex;
  frameIsPrefix?: boolean;
  frameLength?: number;
  chunks?: readonly Hex[];
  messages?: readonly Hex[];
}

interface InvalidVector {
  name: string;
  what: "decode" | "unpack" | "schema" | "bundle" | "encode" | "rpc" | "netpack";
  schema?: string;
  type?: string;
  hex?: Hex;
  packedHex?: Hex;
  text?: string;
  value?: Shown;
  proto?: string;
  error?: string;
}

export const vectors = JSON.parse(
  readFileSync(new URL("../vectors/sproto.json", import.meta.url), "utf8"),
) as Vectors;

/** The JavaScript value that the file's notation stands for. */
export function fromVector(shown: Shown): unknown {
  if (typeof shown !== "object" || shown === null) return shown;
  if (Array.isArray(shown)) return shown.map(fromVector);
  const marked = shown as Record<string, unknown>;
  if ("$int" in marked) return BigInt(marked.$int as string);
  if ("$num" in marked) return NUMBERS[marked.$num as string];
  if ("$hex" in marked) return bytesOf(marked.$hex as string);
  if ("$repStr" in marked) {
    const [text, count] = marked.$repStr as [string, number];
    return text.repeat(count);
  }
  if ("$repHex" in marked) {
    const [hex, count] = marked.$repHex as [string, number];
    return bytesOf(hex.repeat(count));
  }
  if ("$map" in marked) {
    const pairs = marked.$map as [unknown, unknown][];
    return new Map(pairs.map(([key, value]) => [fromVector(key), fromVector(value)]));
  }
  return Object.fromEntries(
    Object.entries(marked).map(([name, value]) => [name, fromVector(value)]),
  );
}

const NUMBERS: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Infinity,
  "-inf": -Infinity,
  "-0": -0,
};
