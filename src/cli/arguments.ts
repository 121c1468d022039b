import { type ParseArgsConfig, parseArgs } from "node:util";

type OptionsConfig = NonNullable<ParseArgsConfig["options"]>;

type Parsed<Options extends OptionsConfig> = ReturnType<
  typeof parseArgs<{ args: string[]; options: Options; allowPositionals: boolean }>
>;

/**
 * The arguments of a command.
 *
 * @param before - what errors begin with
 * @param files - whether others than options may be given
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
