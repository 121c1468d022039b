import { readFileSync, statSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { generateModule, type ModuleOptions } from "../protocols/sproto/index.ts";
import { parsed } from "./arguments.ts";

const OPTIONS = {
  out: { type: "string" },
  int64: { type: "string" },
  maps: { type: "string" },
  strings: { type: "string" },
  width: { type: "string" },
  from: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const SPROTO_HELP = `framewright sproto <files> [--out <file>]

Writes a TypeScript module with an interface for each type of the schema in the files (joined, in any order) and
code that encodes and decodes it, which needs no eval.

  --out <file>       where to write; else it goes to standard output
  --int64 <form>     what decoded integers are: auto (number | bigint), bigint, number   [auto]
  --maps <form>      what decoded maps are: map, object                                  [map]
  --strings <form>   what decoded strings are: utf8, bytes                               [utf8]
  --width <columns>  longest line                                                        [80]
  --from <name>      what the module imports                                             [framewright/sproto]
`;

/** `framewright sproto`: the text that goes to standard output. */
export function sprotoCommand(args: readonly string[]): string {
  const { values, positionals } = parsed("", args, OPTIONS, true);
  if (values.help === true) return SPROTO_HELP;
  if (positionals.length === 0) throw new RangeError("framewright sproto: no files given");
  if (values.out !== undefined) checkOut(values.out, positionals);
  const texts = positionals.map((name) => ({ name, text: readFileSync(name, "utf8") }));
  const text = generateModule(texts, {
    // Checked by generateModule.
    ...({ int64: values.int64, maps: values.maps, strings: values.strings } as ModuleOptions),
    width: values.width === undefined ? undefined : Number(values.width),
    sources: positionals.map((name) => basename(name)),
    from: values.from,
  });
  if (values.out === undefined) return text;
  writeFileSync(values.out, text);
  return "";
}

/** @throws RangeError if the module would be written over a schema */
function checkOut(out: string, files: readonly string[]): void {
  const target = statSync(out, { throwIfNoEntry: false });
  if (target === undefined) return;
  for (const file of files) {
    // Also by another name: a link, or another case.
    const source = statSync(file, { throwIfNoEntry: false });
    if (source?.ino !== target.ino || source.dev !== target.dev) continue;
    throw new RangeError(`framewright sproto: --out ${out} is one of the files to read`);
  }
}
