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

/** A text with a name for error texts: a file, say. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/**
 * A schema from its text, ready to encode and decode. Several texts are one schema: the language has no include.
 *
 * ```text
 * .Person {                     a type: name, tag, type of each field; tags 0 to 32766, never reused
 *   name  0 : string
 *   age   1 : integer           64 bits
 *   score 2 : integer(2)        two digits behind the point, as an integer
 *   kids  3 : *Person           a list; `*Person(name)` is a map
 * }
 * find 1 {                      a call: name, tag, what is sent, what is answered
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
 * The types of the values are read from a text that stands in the program, of up to some 1000 lines; of a longer one the
 * compiler says "excessively deep" (TS2589), and the values are `any`. So are those of a text that is only known at run time,
 * or is said to be: `text as string`. `npx framewright sproto` writes a module with types for texts in files.
 *
 * @param text - the text, or several, each with a name for error texts if you like
 * @param options - forms of values, limits, engine
 * @throws SchemaError naming line and column, and what is wrong there
 */
export function parse<
  const Text extends SchemaText,
  const Options extends SprotoOptions = SprotoOptions,
>(text: Text, options?: Options): Sproto<Infer<Text, Options>> {
  return make(schemaOf(text), options ?? {}) as unknown as Sproto<Infer<Text, Options>>;
}

/** One text of a schema, or several. */
export type SchemaText = string | NamedText | readonly (string | NamedText)[];

/** The schema of one or several texts. */
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
 * A schema from its bundle, the binary form that `sproto.bundle()` and the reference's `sprotodump` write.
 *
 * A bundle says nothing to the compiler: its values are `any`, unless a type argument says what they are (the
 * `Types` of a module that `npx framewright sproto` wrote, say).
 *
 * @param bundle - the bytes
 * @param options - forms of values, limits, engine
 * @throws ProtocolError `malformed` for what is no bundle, or one of a version with fields unknown today
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

/** Made with the first message: a schema that is only read for its names costs nothing. */
function engineOf(schema: Schema, settings: Settings): Engine {
  return compiledOr(
    settings.engine,
    () => compile(schema, settings),
    () => interpret(schema, settings),
  );
}
