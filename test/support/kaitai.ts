import { createRequire } from "node:module";

// Kaitai's own compiler, and the parsers that it makes.

const require = createRequire(import.meta.url);

interface Compiler {
  compile(
    language: string,
    specification: unknown,
    importer: undefined,
    debug: boolean,
  ): Promise<Readonly<Record<string, string>>>;
}

type Stream = new (bytes: ArrayBuffer) => unknown;

const loaded: unknown = require("kaitai-struct-compiler");
const compiler = (
  typeof loaded === "function" ? new (loaded as new () => Compiler)() : loaded
) as Compiler;
const KaitaiStream = require("kaitai-struct/KaitaiStream") as Stream;

/** What a parser of Kaitai reads from bytes. */
export type KaitaiParser = (bytes: Uint8Array) => Readonly<Record<string, unknown>>;

/** Compiles a specification. Throws what the compiler says. */
export async function kaitaiParser(specification: unknown): Promise<KaitaiParser> {
  const files = await compiler.compile("javascript", specification, undefined, false);
  const [text] = Object.values(files);
  const module = { exports: {} as Record<string, unknown> };
  // The module is of the old universal kind: it asks for its run-time library.
  const load = (name: string): unknown =>
    name.includes("KaitaiStream") ? KaitaiStream : require(name);
  new Function("module", "exports", "require", "define", text!)(
    module,
    module.exports,
    load,
    undefined,
  );
  const found = Object.values(module.exports)[0] ?? module.exports;
  const Parser = found as new (stream: unknown) => Readonly<Record<string, unknown>>;
  return (bytes) => new Parser(new KaitaiStream(bytes.slice().buffer as ArrayBuffer));
}

/** The values that were read, in order. */
export function valuesRead(read: unknown): unknown[] {
  if (read instanceof Uint8Array) return [Buffer.from(read).toString("hex")];
  if (Array.isArray(read)) return read.flatMap(valuesRead);
  if (typeof read === "boolean") return [Number(read)];
  if (typeof read !== "object" || read === null) return read === undefined ? [] : [read];
  const members = read as Readonly<Record<string, unknown>>;
  // A varint, as the specification has it.
  if ("groups" in members) return [members.value];
  return Object.entries(members)
    .filter(([name]) => !name.startsWith("_") && !name.endsWith("Unused"))
    .flatMap(([, value]) => valuesRead(value));
}
