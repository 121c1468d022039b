import { describe, expect, it } from "vitest";
import { analyse, decoded } from "../../../docs/inspector/analysis.ts";
import {
  type Choice,
  CODECS,
  FRAMINGS,
  type Option,
  READY,
  SCHEMA_EXAMPLE,
} from "../../../docs/inspector/choices.ts";
import { fromText } from "../../../docs/inspector/input.ts";
import { protocolFrom } from "../../../docs/inspector/protocol.ts";
import { PROTOCOL_NAMES } from "../../../src/inspect/ready/index.ts";

const schemas = { schema: SCHEMA_EXAMPLE.schema, remote: "" };
const needed = (options: readonly Option[]): string[] =>
  options.flatMap((option) =>
    option.needed === undefined ? [] : [`${option.key}=${option.needed}`],
  );
const name = (key: string, words: readonly string[]): string =>
  words.length === 0 ? key : `${key}:${words.join(",")}`;
const codecName = (key: string, words: readonly string[]): string =>
  name(key, CODECS[key]!.needs === undefined ? words : ["schema.sproto#Move", ...words]);
const readyName = (key: string, words: readonly string[]): string =>
  name(
    key,
    READY[key]?.needs === "sides" ? ["local=a.sproto", "remote=b.sproto", ...words] : words,
  );

/** Everything that may be in an option. */
function valuesOf({ key, kind }: Option): readonly string[] {
  if (kind === "yes") return ["true"];
  if (key === "header") return ["cafe0101", "0x00"];
  if (kind === "text")
    return key === "delimiter" ? ["\\r\\n"] : key === "package" ? ["package"] : ["x"];
  if (kind === "number")
    return key === "adjust"
      ? ["-1"]
      : key === "maxBytes"
        ? ["3"]
        : [/^max|^most/.test(key) ? "1000" : "4"];
  return kind.filter((value) => value !== "");
}

const framesIn = (protocol: string, text: string): unknown[] => {
  const made = protocolFrom(protocol, schemas);
  const { bytes } = fromText(text, "auto");
  const steps = analyse(made, bytes, [], true);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  expect(step.value.error).toBeUndefined();
  return step.value.spans.map((span) => {
    const { values, error } = decoded(made, bytes, span);
    expect(error).toBeUndefined();
    return values;
  });
};

describe("choices of the inspector", () => {
  it("are those of the command line", () => {
    expect(Object.keys(READY)).toEqual(PROTOCOL_NAMES.ready);
    expect(Object.keys(FRAMINGS)).toEqual(PROTOCOL_NAMES.framings);
    expect(Object.keys(CODECS)).toEqual(PROTOCOL_NAMES.codecs);
  });

  const all: [string, Choice, (key: string, words: readonly string[]) => string][] = [
    ...Object.entries({ ...READY, ...FRAMINGS }).map(
      ([key, choice]) => [key, choice, readyName] as (typeof all)[number],
    ),
    ...Object.entries(CODECS).map(
      ([key, choice]) => [key, choice, codecName] as (typeof all)[number],
    ),
  ];

  it.each(all)("%s has the options that the form offers", (key, { options }, named) => {
    const base = needed(options);
    expect(() => protocolFrom(named(key, base), schemas)).not.toThrow();
    for (const option of options) {
      for (const value of valuesOf(option)) {
        const others = base.filter((word) => !word.startsWith(`${option.key}=`));
        // Digits and a delimiter exclude each other, and some options belong to one of them.
        const isDecimal = key === "decimal" && ["delimiter", "leadingZeros"].includes(option.key);
        const words = isDecimal
          ? ["delimiter=:", ...(option.key === "delimiter" ? [] : [`${option.key}=${value}`])]
          : [...others, `${option.key}=${value}`];
        expect(() => protocolFrom(named(key, words), schemas), words.join()).not.toThrow();
      }
    }
  });

  it.each(Object.entries({ ...READY, ...FRAMINGS }))(
    "%s has an example that is right",
    (key, choice) => {
      const codec = key in FRAMINGS ? "+raw" : "";
      const frames = framesIn(readyName(key, needed(choice.options)) + codec, choice.example!);
      expect(frames.length).toBeGreaterThan(0);
    },
  );

  it("has a schema, whose messages are read plain and packed", () => {
    const messages = SCHEMA_EXAMPLE.values.map((value) => [value]);
    const name = "length:width=2+sproto:schema.sproto#Move";
    const plain =
      "0026 0400 0800 0000 0000 0000 04000000 ffffffff 03000000 616e6e 09000000 04 01000000 02000000" +
      "0004 0100 0a00";
    expect(framesIn(name, plain)).toEqual(messages);
    const packed = "0014 05 0408 c4 04ffff c7 ffff03616e 63 6e09 04 01 04 02 0003 05 010a";
    expect(framesIn("netpack+sproto-packed:schema.sproto#Move", packed)).toEqual(messages);
    expect(() => protocolFrom("sproto:schema.sproto", schemas)).toThrow("a schema and a type");
  });

  it("refuses files, and names the command that reads them", () => {
    for (const name of ["./mine.js#name", " ../mine.ts", "mine.mjs#name"]) {
      expect(() => protocolFrom(name, schemas)).toThrow(
        `this page cannot load a program file: use the command line, npx framewright decode <file> --protocol ${name.trim()}`,
      );
    }
  });

  it("shows the bytes before the length", () => {
    const frame = [{ header: Uint8Array.of(0xca, 0xfe), payload: "hi" }];
    expect(framesIn("length:offset=2,width=2+utf8", "cafe 0002 6869")).toEqual([frame]);
    expect(framesIn("length:header=cafe,width=2+utf8", "cafe 0002 6869")).toEqual([["hi"]]);
  });

  it("reads remote calls by the schemas of both sides", () => {
    const both = { schema: SCHEMA_EXAMPLE.schema, remote: ".package { type 0 : integer }" };
    const rpc = "sproto-rpc:local=a.sproto,remote=b.sproto";
    expect(() => protocolFrom(rpc, both)).not.toThrow();
    expect(() => protocolFrom(rpc, { ...both, remote: ".package {" })).toThrow("sproto-rpc:");
    expect(framesIn(rpc, READY["sproto-rpc"]!.example!)).toMatchObject([
      [{ kind: "request", name: "say", args: { words: "hello" } }],
      [{ kind: "request", name: "ping" }],
    ]);
  });
});
