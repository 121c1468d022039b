import { SPROTO_HELP, sprotoCommand } from "./sproto.ts";

/** Where a command writes. */
export interface Pipe {
  write(text: string): unknown;
}

/**
 * The command `framewright`.
 *
 * @param args - what stands behind its name
 * @param out - for what was asked for
 * @param errors - for what went wrong
 * @returns the exit code: 0, 1 for files that are wrong, 2 for a command that is
 */
export function run(args: readonly string[], out: Pipe, errors: Pipe): number {
  const [command, ...rest] = args;
  if (command !== "sproto") {
    const isAsked = command === "--help" || command === "-h";
    (isAsked ? out : errors).write(SPROTO_HELP);
    return isAsked ? 0 : 2;
  }
  try {
    out.write(sprotoCommand(rest));
    return 0;
  } catch (error) {
    errors.write(`${(error as Error).message}\n`);
    return error instanceof RangeError ? 2 : 1;
  }
}
