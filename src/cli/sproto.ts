import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { settingsOf } from "../protocols/sproto/options.ts";
import { schemaOf } from "../protocols/sproto/parse.ts";
import { moduleOf } from "./sproto-module.ts";

export const SPROTO_HELP = `framewright sproto <files> [--out <file>]

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
  const { values, positionals } = parsed(args);
  if (values.help === true) return SPROTO_HELP;
  if (positionals.length === 0) throw new RangeError("framewright sproto: no files given");
  const width = Number(values.width ?? 80);
  if (!Number.isInteger(width) || width < 60) {
    throw new RangeError(`--width must be an integer of at least 60, not ${values.width}`);
  }
  const forms = { int64: values.int64, maps: values.maps, strings: values.strings } as Parameters<
    typeof settingsOf
  >[0];
  settingsOf(forms);
  const schema = schemaOf(positionals.map((name) => ({ name, text: readFileSync(name, "utf8") })));
  if (schema.types.length === 0)
    throw new RangeError("framewright sproto: the schema has no types");
  const sources = positionals.map((name) => basename(name));
  const from = values.from ?? "framewright/sproto";
  const text = moduleOf(schema, { ...forms, width, sources, from });
  if (values.out === undefined) return text;
  writeFileSync(values.out, text);
  return "";
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        out: { type: "string" },
        int64: { type: "string" },
        maps: { type: "string" },
        strings: { type: "string" },
        width: { type: "string" },
        from: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    throw new RangeError((error as Error).message);
  }
}
