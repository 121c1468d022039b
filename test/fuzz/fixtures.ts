import { existsSync, readFileSync, writeFileSync } from "node:fs";

// What fuzzing has found, kept as hex: inputs that once crashed, and a corpus that reaches much. The tests run
// all of them again.

// From the root of the package, where npm runs scripts and vitest runs tests.
const fileOf = (name: string): string => `test/fuzz/fixtures/${name}.json`;
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Inputs of one target. */
export interface Fixtures {
  /** What once crashed. */
  readonly crashes: readonly Uint8Array[];
  /** What reaches much. */
  readonly corpus: readonly Uint8Array[];
}

export function load(name: string): Fixtures {
  if (!existsSync(fileOf(name))) return { crashes: [], corpus: [] };
  const { crashes, corpus } = JSON.parse(readFileSync(fileOf(name), "utf8")) as Record<
    "crashes" | "corpus",
    readonly string[]
  >;
  const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));
  return { crashes: crashes.map(bytesOf), corpus: corpus.map(bytesOf) };
}

/** The golden vectors of a protocol, for each of the cases that a target has. */
export function vectors(name: string, cases: number): Uint8Array[] {
  const file = `test/vectors/${name}.json`;
  if (!existsSync(file)) return [];
  const found = readFileSync(file, "utf8").matchAll(/"(?:[a-z0-9]{2}){2,400}"/g);
  const inputs = new Set([...found].map(([quoted]) => quoted.slice(1, -1)));
  const bytes = [...inputs]
    .filter((hex) => /^[0-9a-f]+$/.test(hex))
    .map((hex) => Buffer.from(hex, "hex"));
  return bytes.flatMap((one) =>
    Array.from({ length: cases }, (_, i) => Uint8Array.of(i, 0x83, ...one)),
  );
}

export function save(name: string, { crashes, corpus }: Fixtures): void {
  const unique = (inputs: readonly Uint8Array[]): string[] =>
    [...new Set(inputs.map(hexOf))].sort();
  const content = { crashes: unique(crashes), corpus: unique(corpus) };
  writeFileSync(fileOf(name), `${JSON.stringify(content, null, 2)}\n`);
}
