import { type ParseArgsConfig, parseArgs } from "node:util";

type OptionsConfig = NonNullable<ParseArgsConfig["options"]>;

type Parsed<Options extends OptionsConfig> = ReturnType<
  typeof parseArgs<{ args: string[]; options: Options; allowPositionals: boolean }>
>;

/**
 * Parses the arguments of a command.
 *
 * @param before - start of error texts
 * @param files - true if arguments other than options are allowed
 * @throws RangeError for an unknown option, or one without its value
 */
export function parsed<const Options extends OptionsConfig>(
  before: string,
  args: readonly string[],
  options: Options,
  files: boolean,
): Parsed<Options> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: files });
  } catch (error) {
    throw new RangeError(`${before}${(error as Error).message}`);
  }
}
