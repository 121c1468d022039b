import { unicodeEscape } from "../core/index.ts";
import { decodeCommand } from "./decode.ts";
import { generateCommand } from "./generate.ts";
import { proxyCommand } from "./proxy.ts";
import { sprotoCommand } from "./sproto.ts";
import type { Pipe, Streams } from "./streams.ts";
import { talkCommand } from "./talk.ts";
import { versionOf } from "./version.ts";

const HELP = `framewright <command>

  decode <file | ->    shows the frames and fields in bytes
  proxy                forwards connections, and shows their messages
  talk <host:port>     speaks a protocol by hand, as lines of JSON
  generate <what>      writes a dissector for Wireshark (lua), a specification for Kaitai (ksy), or a
                       TypeScript module for a schema (sproto)

framewright <command> --help prints its options. --version prints the version.
`;

/**
 * Runs the command `framewright`, for commands that finish at once.
 *
 * @param args - arguments after its name
 * @param out - output of the command
 * @param errors - output for errors, one line each
 * @param file - the running file, for `--version`
 * @returns the exit code: 0, 1 for invalid files, 2 for an invalid command
 */
export function run(args: readonly string[], out: Pipe, errors: Pipe, file = ""): number {
  try {
    out.write(output(args, file));
    return 0;
  } catch (error) {
    return failed(error, errors);
  }
}

/** Runs the command `framewright`, with all its commands. */
export async function execute(
  args: readonly string[],
  streams: Streams,
  file = "",
): Promise<number> {
  const [command, ...rest] = args;
  try {
    switch (command) {
      case "decode":
        return await decodeCommand(rest, streams);
      case "proxy":
        return await proxyCommand(rest, streams);
      case "talk":
        return await talkCommand(rest, streams);
      case "generate":
        return await generateCommand(rest, streams);
      default:
        return run(args, streams.out, streams.errors, file);
    }
  } catch (error) {
    return failed(error, streams.errors);
  }
}

function failed(error: unknown, errors: Pipe): number {
  errors.write(`${printable((error as Error).message)}\n`);
  return error instanceof RangeError ? 2 : 1;
}

function output([command, ...rest]: readonly string[], file: string): string {
  switch (command) {
    case "sproto":
      return sprotoCommand(rest);
    case "--help":
    case "-h":
      return HELP;
    case "--version":
    case "-v":
      return `${versionOf(file)}\n`;
    case undefined:
      throw new RangeError("framewright: no command given; try framewright --help");
    default:
      throw new RangeError(
        `framewright: unknown command ${JSON.stringify(command)}; try framewright --help`,
      );
  }
}

/** Escapes file names, which may contain line ends and control codes of terminals. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, unicodeEscape);
}
