import { join } from "node:path";
import ts from "typescript";
import { root } from "./package.ts";

/*
 * What users of the compiler see: messages for programs that are wrong, and types in editors.
 */

const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile) as {
  config: { compilerOptions: object };
};
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);

// Files of the library and of the compiler, which are the same for every program.
const known = new Map<string, ts.SourceFile | undefined>();

interface Compiled {
  readonly program: ts.Program;
  readonly source: ts.SourceFile;
}

/** A program that imports the source, by paths from the root: `./src/index.ts`. */
function compile(text: string): Compiled {
  const file = join(root, "program.ts");
  const host = ts.createCompilerHost({ ...options, noUnusedLocals: false }, true);
  const { fileExists, getSourceFile, readFile } = host;
  host.fileExists = (path) => path === file || fileExists(path);
  host.readFile = (path) => (path === file ? text : readFile(path));
  host.getSourceFile = (path, target, ...rest) => {
    if (path === file) return ts.createSourceFile(path, text, target, true);
    if (!known.has(path)) known.set(path, getSourceFile(path, target, ...rest));
    return known.get(path);
  };
  const program = ts.createProgram([file], { ...options, noUnusedLocals: false }, host);
  return { program, source: program.getSourceFile(file)! };
}

const messagesOf = ({ program, source }: Compiled): string[] =>
  [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
    ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"),
  );

/** The compiler's messages for a program, one text per error, with all the lines of its explanation. */
export const compilerMessages = (program: string): string[] => messagesOf(compile(program));

/**
 * The type aliases of a program as editors show them.
 *
 * @throws Error if it does not compile
 */
export function hovers(text: string): Readonly<Record<string, string>> {
  const { program, source } = compile(text);
  const messages = messagesOf({ program, source });
  if (messages.length > 0) throw new Error(messages.join("\n"));
  const checker = program.getTypeChecker();
  const flags = ts.TypeFormatFlags.InTypeAlias | ts.TypeFormatFlags.NoTruncation;
  const aliases = source.statements.filter(ts.isTypeAliasDeclaration);
  return Object.fromEntries(
    aliases.map(({ name }) => [
      name.text,
      checker.typeToString(checker.getTypeAtLocation(name), undefined, flags),
    ]),
  );
}

/**
 * How many types the compiler makes from generic ones to check a program: what its check costs, whatever the machine.
 *
 * @throws Error if it does not compile
 */
export function instantiations(text: string): number {
  const { program, source } = compile(text);
  const messages = messagesOf({ program, source });
  if (messages.length > 0) throw new Error(messages.join("\n"));
  return program.getInstantiationCount();
}
