import { join } from "node:path";
import ts from "typescript";
import { root } from "./package.ts";

/*
 * The compiler's messages for a program, which users read when they use the package wrongly.
 */

const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile) as {
  config: { compilerOptions: object };
};
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);

/**
 * What the compiler says about a program, a text for each error, with all the lines of its explanation. The
 * program imports the source, by paths from the root: `./src/index.ts`.
 */
export function compilerMessages(program: string): string[] {
  const file = join(root, "program.ts");
  const host = ts.createCompilerHost({ ...options, noUnusedLocals: false }, true);
  const { fileExists, getSourceFile, readFile } = host;
  host.fileExists = (path) => path === file || fileExists(path);
  host.readFile = (path) => (path === file ? program : readFile(path));
  host.getSourceFile = (path, target, ...rest) =>
    path === file
      ? ts.createSourceFile(path, program, target, true)
      : getSourceFile(path, target, ...rest);
  const made = ts.createProgram([file], { ...options, noUnusedLocals: false }, host);
  const source = made.getSourceFile(file);
  return [...made.getSyntacticDiagnostics(source), ...made.getSemanticDiagnostics(source)].map(
    ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"),
  );
}
