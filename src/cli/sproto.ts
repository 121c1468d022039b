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

  --out <file>       output file; standard output by default
  --int64 <form>     type of decoded integers: auto (number | bigint), bigint, number     [auto]
  --maps <form>      type of decoded maps: map, object                                    [map]
  --strings <form>   type of decoded strings: utf8, bytes                                 [utf8]
  --width <columns>  longest line                                                        [80]
  --from <name>      module to import from                                               [framewright/sproto]
`;

/** Runs `framewright sproto`; returns the text for standard output. */
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

/**
 * Checks the option --out.
 *
 * @throws RangeError if the module would overwrite a schema
 */
function checkOut(out: string, files: readonly string[]): void {
  const target = statSync(out, { throwIfNoEntry: false });
  if (target === undefined) return;
  for (const file of files) {
    // Also under another name: a link, or another case.
    const source = statSync(file, { throwIfNoEntry: false });
    if (source?.ino !== target.ino || source.dev !== target.dev) continue;
    throw new RangeError(`framewright sproto: --out ${out} is one of the files to read`);
  }
}
