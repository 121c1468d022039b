import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { dissector, ksy } from "../inspect/index.ts";
import { parsed } from "./arguments.ts";
import { loadProtocol } from "./load-protocol.ts";
import { sprotoCommand } from "./sproto.ts";
import type { Streams } from "./streams.ts";

const GENERATE_HELP = `framewright generate lua --protocol <protocol> [--out <file>]
framewright generate ksy --protocol <protocol> [--out <file>]
framewright generate sproto <files> [--out <file>]

  lua      a dissector for Wireshark and tshark
  ksy      a specification for Kaitai Struct
  sproto   a TypeScript module for a schema

framewright generate <what> --help prints its options.
`;

const LUA_OPTIONS = {
  protocol: { type: "string" },
  replies: { type: "string" },
  port: { type: "string" },
  name: { type: "string" },
  title: { type: "string" },
  out: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const LUA_HELP = `framewright generate lua --protocol <protocol> [--out <file>]

Writes a dissector for Wireshark and tshark: with fields for filters, and frames across segments. Put it in the folder
for plugins, or pass it: tshark -X lua_script:goim.lua -r capture.pcapng -O fw_goim -Y "fw_goim.op == 2"

  --protocol <protocol>  a description, a built-in one, or a framing; see framewright decode --help
  --replies <protocol>   protocol of the servers, if different; its fields begin with name.reply
  --port <numbers>       ports of servers, such as 3101,3102; without it, use "Decode As"
  --name <name>          prefix of filters                                      [fw_ and the protocol's name]
  --title <text>         name in Wireshark                                      [the name]
  --out <file>           output file; standard output by default
`;

/** Runs `framewright generate`, and writes the text to standard output. */
export async function generateCommand(args: readonly string[], { out }: Streams): Promise<number> {
  const [what, ...rest] = args;
  switch (what) {
    case "lua":
      out.write(await luaCommand(rest));
      return 0;
    case "ksy":
      out.write(await ksyCommand(rest));
      return 0;
    case "sproto":
      out.write(sprotoCommand(rest));
      return 0;
    case undefined:
    case "--help":
    case "-h":
      out.write(GENERATE_HELP);
      return 0;
    default:
      throw new RangeError(
        `framewright generate: unknown ${JSON.stringify(what)}; use lua, ksy or sproto`,
      );
  }
}

async function luaCommand(args: readonly string[]): Promise<string> {
  const { values } = parsed("framewright generate lua: ", args, LUA_OPTIONS, false);
  if (values.help === true) return LUA_HELP;
  const protocol = await loadProtocol(values.protocol);
  const replies = values.replies === undefined ? undefined : await loadProtocol(values.replies);
  const { name = `fw_${nameOf(values.protocol!)}`, title, port, out } = values;
  const ports = port?.split(",").map(Number);
  const text = refused("lua", () => dissector(protocol, { name, title, ports, replies }));
  return written(text, out);
}

const KSY_OPTIONS = {
  protocol: { type: "string" },
  name: { type: "string" },
  out: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const KSY_HELP = `framewright generate ksy --protocol <protocol> [--out <file>]

Writes a specification of one frame for Kaitai Struct, as JSON, which is also YAML:
kaitai-struct-compiler -t python goim.ksy. It refuses formats that Kaitai cannot express.

  --protocol <protocol>  a description, or a built-in one that has one; see framewright decode --help
  --name <name>          its id                                                 [the protocol's name]
  --out <file>           output file; standard output by default
`;

async function ksyCommand(args: readonly string[]): Promise<string> {
  const { values } = parsed("framewright generate ksy: ", args, KSY_OPTIONS, false);
  if (values.help === true) return KSY_HELP;
  const protocol = await loadProtocol(values.protocol);
  const { name = nameOf(values.protocol!), out } = values;
  const found = refused("ksy", () => ksy(protocol, { name }));
  return written(`${JSON.stringify(found, undefined, 2)}\n`, out);
}

/** Turns an error of the generator into one of the command. */
function refused<T>(what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new RangeError(`framewright generate ${what}: ${(error as Error).message}`);
  }
}

function written(text: string, out: string | undefined): string {
  if (out === undefined) return text;
  writeFileSync(out, text);
  return "";
}

/**
 * Returns a name for the value of `--protocol`: `fastway` for `fastway:dialect=v2`, `mine` for
 * `./mine.ts`, `chat` for `./mine.ts#chat`.
 */
export function nameOf(protocol: string): string {
  const file = /^([^#]*\.[cm]?[jt]s)(?:#(.*))?$/.exec(protocol);
  const words =
    file === null
      ? protocol.replace(/:[^+]*/g, "")
      : (file[2] ?? basename(file[1]!).replace(/\.[cm]?[jt]s$/, ""));
  return words
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .toLowerCase();
}
