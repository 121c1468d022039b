import { compiledOr } from "../../core/index.ts";
import { readBundle } from "./bundle.ts";
import { compile } from "./compile.ts";
import type { Engine } from "./engine.ts";
import type { Infer } from "./infer.ts";
import { interpret } from "./interpret.ts";
import { type Settings, type SprotoOptions, settingsOf } from "./options.ts";
import { parseText } from "./parse-text.ts";
import { resolve } from "./resolve.ts";
import type { Schema } from "./schema.ts";
import { Sproto } from "./sproto.ts";
import type { AnyTypes, SprotoTypes } from "./types.ts";

/** A text with a name for error texts, such as its file name. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/**
 * Parses the text of a schema, and returns it ready to encode and decode. Several texts form one
 * schema: the language has no include.
 *
 * ```text
 * .Person {                     a type: name, tag, type of each field; tags 0 to 32766, never reused
 *   name  0 : string
 *   age   1 : integer           64 bits
 *   score 2 : integer(2)        two decimal places, as an integer
 *   kids  3 : *Person           a list; `*Person(name)` is a map
 * }
 * find 1 {                      a call: name, tag, request, response
 *   request  { name 0 : string }
 *   response Person
 * }
 * ```
 *
 * @example
 * ```ts
 * import { parse } from "framewright/sproto";
 *
 * const sproto = parse(`.Person { name 0 : string  age 1 : integer  kids 2 : *Person }`);
 * const bytes = sproto.encode("Person", { name: "Ada", kids: [{ name: "Byron", age: 9 }] });
 * console.log(bytes.length);
 * //=> 38
 * console.log(sproto.decode("Person", bytes).kids?.[0]?.age);
 * //=> 9
 * ```
 *
 * The compiler takes the types of values from a literal text of up to about 1000 lines. For a
 * longer one it reports "excessively deep" (TS2589), and values are `any`, as they are for a text
 * that is known only at run time, or for `text as string`. For texts in files,
 * `npx framewright sproto` writes a module with types.
 *
 * @param text - the text, or several, each with an optional name for error texts
 * @param options - forms of values, limits, engine
 * @throws SchemaError with line, column and reason
 */
export function parse<
  const Text extends SchemaText,
  const Options extends SprotoOptions = SprotoOptions,
>(text: Text, options?: Options): Sproto<Infer<Text, Options>> {
  return make(schemaOf(text), options ?? {}) as unknown as Sproto<Infer<Text, Options>>;
}

/** One text of a schema, or several. */
export type SchemaText = string | NamedText | readonly (string | NamedText)[];

/** Returns the schema of one or several texts. */
export function schemaOf(text: SchemaText): Schema {
  const texts: readonly (string | NamedText)[] =
    typeof text === "string" || "text" in text ? [text] : text;
  return resolve(
    texts.map((one) =>
      typeof one === "string" ? parseText(one, undefined) : parseText(one.text, one.name),
    ),
  );
}

/**
 * Loads a schema from its bundle, the binary form that `sproto.bundle()` and the reference's
 * `sprotodump` write.
 *
 * The compiler cannot read a bundle: values are `any`, unless you pass a type argument, such as the
 * `Types` of a module that `npx framewright sproto` wrote.
 *
 * @param bundle - the bytes
 * @param options - forms of values, limits, engine
 * @throws ProtocolError `malformed` for bytes that are not a bundle, or for unknown fields
 */
export function load<T extends SprotoTypes = AnyTypes>(
  bundle: Uint8Array,
  options: SprotoOptions = {},
): Sproto<T> {
  return make(readBundle(bundle), options) as unknown as Sproto<T>;
}

function make(schema: Schema, options: SprotoOptions): Sproto {
  const settings = settingsOf(options);
  return new Sproto(schema, settings, () => engineOf(schema, settings));
}

/** Created with the first message, so a schema that is only inspected costs nothing. */
function engineOf(schema: Schema, settings: Settings): Engine {
  return compiledOr(
    settings.engine,
    () => compile(schema, settings),
    () => interpret(schema, settings),
  );
}
