import { unicodeEscape } from "../core/index.ts";
import { SPROTO_HELP, sprotoCommand } from "./sproto.ts";
import { versionOf } from "./version.ts";

/** Where a command writes. */
export interface Pipe {
  write(text: string): unknown;
}

/**
 * The command `framewright`.
 *
 * @param args - what follows its name
 * @param out - for what was asked for
 * @param errors - for what went wrong, one line
 * @param file - the file that runs, for `--version`
 * @returns the exit code: 0, 1 if files are wrong, 2 if the command is
 */
export function run(args: readonly string[], out: Pipe, errors: Pipe, file = ""): number {
  try {
    out.write(output(args, file));
    return 0;
  } catch (error) {
    errors.write(`${printable((error as Error).message)}\n`);
    return error instanceof RangeError ? 2 : 1;
  }
}

function output([command, ...rest]: readonly string[], file: string): string {
  switch (command) {
    case "sproto":
      return sprotoCommand(rest);
    case "--help":
    case "-h":
      return SPROTO_HELP;
    case "--version":
    case "-v":
      return `${versionOf(file)}\n`;
    case undefined:
      throw new RangeError("framewright: no command given; try framewright --help");
    default:
      throw new RangeError(
        `framewright: no command ${JSON.stringify(command)}; try framewright --help`,
      );
  }
}

/** File names may hold line ends and codes that terminals obey. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, unicodeEscape);
}
