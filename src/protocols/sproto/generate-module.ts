import { checkInteger, checkOptions, isIdentifier, unicodeEscape } from "../../core/index.ts";
import { writeBundle } from "./bundle.ts";
import { generate } from "./generate.ts";
import { type SprotoOptions, settingsOf } from "./options.ts";
import { type SchemaText, schemaOf } from "./parse.ts";
import { GENERATED_VERSION } from "./precompiled.ts";
import type { Schema, SchemaField, SchemaType } from "./schema.ts";

/** Options for `generateModule`: forms of decoded values, and the module's layout. */
export interface ModuleOptions extends Pick<SprotoOptions, "int64" | "maps" | "strings"> {
  /**
   * Module from which the generated code imports `precompiled`.
   * @defaultValue `"framewright/sproto"`
   */
  readonly from?: string | undefined;
  /**
   * Longest line, in columns: an integer >= 60.
   * @defaultValue 80
   */
  readonly width?: number | undefined;
  /**
   * Names for the comment in the first line: the schema's files.
   * @defaultValue none
   */
  readonly sources?: readonly string[] | undefined;
}

/**
 * Writes a TypeScript module for a schema: an interface for each type, and code that encodes and
 * decodes it without eval. `npx framewright sproto` calls it; call it yourself in a build script.
 *
 * @param text - the schema, as for `parse`
 * @param options - forms of values, and the module's layout
 * @returns the source text of the module, which exports `sproto` and the types
 * @throws SchemaError if the schema is wrong; RangeError if it has no types, or for an invalid
 *   option
 *
 * @example
 * ```ts
 * import { generateModule } from "framewright/sproto";
 *
 * const source = generateModule(".Person { name 0 : string }", { int64: "bigint" });
 * console.log(source.split("\n").filter((line) => line.startsWith("export")).join("\n"));
 * //=> export interface Person {
 * //=> export interface Types {
 * //=> export const sproto: Sproto<Types> = precompiled<Types>(
 * ```
 */
export function generateModule(text: SchemaText, options: ModuleOptions = {}): string {
  checkOptions("generateModule", options, ["int64", "maps", "strings", "from", "width", "sources"]);
  const { from = "framewright/sproto", width = 80, sources = [] } = options;
  checkInteger("width", width, NARROWEST);
  const { int64, maps, strings } = options;
  settingsOf({ int64, maps, strings });
  const schema = schemaOf(text);
  if (schema.types.length === 0) throw new RangeError("the schema has no types");
  const names = interfaceNames(schema.types);
  const origin = sources.length === 0 ? "" : ` from ${sources.map(commented).join(", ")}`;
  const parts = [
    [
      `// Written by "framewright sproto"${origin}.`,
      "// Changes are lost when it is written again.",
      "// biome-ignore-all lint: generated",
      "/* eslint-disable */",
      `import { precompiled, type Sproto } from ${JSON.stringify(from)};`,
    ],
    ...schema.types.map((type) => interfaceOf(type, names, options)),
    typesOf(schema, names),
    bundleOf(schema),
    codeOf(schema, width),
    constantOf(options),
  ];
  return `${parts.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** Escapes a name in a comment, so it cannot end the comment. */
function commented(name: string): string {
  return name.replace(/[\p{Cc}\u2028\u2029]/gu, unicodeEscape).replaceAll("*/", "*\\/");
}

// The shortest lines that generated code fits into.
const NARROWEST = 60;

// Names that an interface of the module must not have: reserved words, and names that the module
// itself uses.
const TAKEN: ReadonlySet<string> = new Set(
  `any as async await bigint boolean break case catch class const continue debugger declare default delete do else
  enum export extends false finally for from function get if implements import in infer instanceof interface is keyof
  let module namespace never new null number object of package private protected public readonly require return
  set static string super switch symbol this throw true try type typeof undefined unique unknown var void while with
  yield Map Uint8Array Types Sproto precompiled sproto bundle code`.split(/\s+/),
);

/** Names `Outer.Inner` as `Outer_Inner`; appends underscores to a name that is taken. */
function interfaceNames(types: readonly SchemaType[]): ReadonlyMap<SchemaType, string> {
  const used = new Set(TAKEN);
  const names = new Map<SchemaType, string>();
  for (const type of types) {
    let name = type.name.replace(/\W/g, "_");
    while (used.has(name)) name += "_";
    used.add(name);
    names.set(type, name);
  }
  return names;
}

type Names = ReadonlyMap<SchemaType, string>;

function interfaceOf(type: SchemaType, names: Names, options: ModuleOptions): string[] {
  const head = [`/** \`${commented(type.name)}\` */`];
  const name = names.get(type)!;
  if (type.fields.length === 0) return [...head, `export interface ${name} {}`];
  const members = type.fields.flatMap((field) => [
    `  /** ${field.tag} : ${commented(declared(field))} */`,
    `  ${property(field.name)}?: ${valueType(field, names, options)} | undefined;`,
  ]);
  return [...head, `export interface ${name} {`, ...members, "}"];
}

/** The type of a field, as written in the schema. */
function declared({ kind, array, decimals, type, key, value }: SchemaField): string {
  const name = type?.name ?? (decimals === undefined ? kind : `integer(${decimals})`);
  const parens = value !== undefined ? "()" : key === undefined ? "" : `(${key.name})`;
  return `${array ? "*" : ""}${name}${parens}`;
}

const property = (name: string): string => (isIdentifier(name) ? name : JSON.stringify(name));

function valueType(field: SchemaField, names: Names, options: ModuleOptions): string {
  const { array, key, value } = field;
  const single = singleType(field, names, options);
  if (key !== undefined) {
    const to = value === undefined ? single : valueType(value, names, options);
    const from = singleType(key, names, options);
    const isObject = options.maps === "object" && from !== "Uint8Array";
    return isObject ? `{ [key: string]: ${to} }` : `Map<${from}, ${to}>`;
  }
  if (!array) return single;
  return single.includes(" ") ? `(${single})[]` : `${single}[]`;
}

function singleType(field: SchemaField, names: Names, options: ModuleOptions): string {
  switch (field.kind) {
    case "integer":
      if (field.decimals !== undefined) return "number";
      return { auto: "number | bigint", bigint: "bigint", number: "number" }[
        options.int64 ?? "auto"
      ];
    case "double":
      return "number";
    case "boolean":
      return "boolean";
    case "string":
      return options.strings === "bytes" ? "Uint8Array" : "string";
    case "binary":
      return "Uint8Array";
    case "struct":
      return names.get(field.type!)!;
  }
}

/** The types of all messages, for `Sproto`. */
function typesOf({ types, protocols }: Schema, names: Names): string[] {
  const message = (type: SchemaType | undefined): string => {
    if (type === undefined) return "{ in: undefined; out: undefined }";
    const name = names.get(type)!;
    return `{ in: ${name} | undefined; out: ${name} }`;
  };
  const block = (name: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [`  ${name}: {};`] : [`  ${name}: {`, ...lines, "  };"];
  return [
    "/** All types and protocols of the schema. */",
    "export interface Types {",
    ...block(
      "types",
      types.map((type) => {
        const name = names.get(type)!;
        return `    ${property(type.name)}: { in: ${name}; out: ${name} };`;
      }),
    ),
    ...block(
      "protocols",
      protocols.flatMap(({ name, tag, request, response }) => [
        `    /** ${tag} */`,
        `    ${property(name)}: {`,
        `      request: ${message(request)};`,
        `      response: ${message(response)};`,
        "    };",
      ]),
    ),
    "}",
  ];
}

/** The bundle as code, in lines of 64 digits. */
function bundleOf(schema: Schema): string[] {
  const digits = Array.from(writeBundle(schema))
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
  const lines = digits.match(/.{1,64}/g)!;
  if (lines.length === 1) return [`const bundle = "${digits}";`];
  return ["const bundle = [", ...lines.map((line) => `  "${line}",`), '].join("");'];
}

function codeOf(schema: Schema, width: number): string[] {
  const body = generate(schema, "ts", width - 2).split("\n");
  const indented = body.map((line) => (line === "" ? "" : `  ${line}`));
  return ["function code(rt: any): any {", ...indented, "}"];
}

/** The schema constant, with the options that its types were written for. */
function constantOf({ int64, maps, strings }: ModuleOptions): string[] {
  const options = Object.entries({ int64, maps, strings })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  const schema = `{ version: ${GENERATED_VERSION}, bundle, code }`;
  const call =
    options.length === 0 ? [`  ${schema},`] : [`  ${schema},`, `  { ${options.join(", ")} },`];
  return [
    "/** The schema, ready to encode and decode. */",
    ...(options.length === 0
      ? [
          "export const sproto: Sproto<Types> = precompiled<Types>({",
          `  version: ${GENERATED_VERSION},`,
          "  bundle,",
          "  code,",
          "});",
        ]
      : ["export const sproto: Sproto<Types> = precompiled<Types>(", ...call, ");"]),
  ];
}
