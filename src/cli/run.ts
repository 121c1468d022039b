import { unicodeEscape } from "../core/index.ts";
import type { Pipe, Streams } from "./streams.ts";
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
 * Runs the command `framewright`. Each of its commands is loaded when it is used.
 *
 * @param args - arguments after its name
 * @param streams - input, output, and errors, one line each
 * @param file - the running file, for `--version`
 * @returns the exit code: 0, 1 for invalid files, 2 for an invalid command
 */
export async function execute(
  args: readonly string[],
  streams: Streams,
  file = "",
): Promise<number> {
  const [command, ...rest] = args;
  try {
    switch (command) {
      case "decode":
        return await (await import("./decode.ts")).decodeCommand(rest, streams);
      case "proxy":
        return await (await import("./proxy.ts")).proxyCommand(rest, streams);
      case "talk":
        return await (await import("./talk.ts")).talkCommand(rest, streams);
      case "generate":
        return await (await import("./generate.ts")).generateCommand(rest, streams);
      case "sproto":
        return await (await import("./generate.ts")).generateCommand(args, streams);
      default:
        streams.out.write(output(command, file));
        return 0;
    }
  } catch (error) {
    return failed(error, streams.errors);
  }
}

function failed(error: unknown, errors: Pipe): number {
  errors.write(`${printable((error as Error).message)}\n`);
  return error instanceof RangeError ? 2 : 1;
}

function output(command: string | undefined, file: string): string {
  switch (command) {
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
