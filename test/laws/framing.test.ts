import fc from "fast-check";
import {
  delimited,
  fixed,
  json,
  lengthPrefixed,
  lines,
  netstring,
  perMessage,
  raw,
  utf8,
  varintPrefixed,
} from "../../src/index.ts";
import { bytes, jsonValues, laws, text } from "../../src/testing/index.ts";
import { keeps } from "../support/laws.ts";

const runs = { runs: 40 };

for (const width of [1, 2, 3, 4, 8] as const) {
  for (const endian of ["be", "le"] as const) {
    const counts = endian === "be" ? "body" : "frame";
    // Two bytes can say no more than 65535; for the others smaller frames show as much.
    const maxFrame = width === 2 ? 70_000 : 2_000;
    const framing = lengthPrefixed({ width, endian, counts, maxFrame });
    keeps(
      `lengthPrefixed ${width} ${endian} ${counts}`,
      laws(framing.wrap(raw()), bytes(framing), { ...runs, canonical: true }),
    );
  }
}

const headed = lengthPrefixed({
  width: 2,
  header: Uint8Array.of(0xca, 0xfe),
  adjust: -2,
  maxFrame: 500,
});
keeps(
  "lengthPrefixed with header and adjust",
  laws(headed.wrap(raw()), bytes({ min: 2, max: 600 }), runs),
);

const varint = varintPrefixed({ maxFrame: 17_000 });
keeps("varintPrefixed", laws(varint.wrap(raw()), bytes(varint), runs));
keeps(
  "netstring",
  laws(netstring({ maxFrame: 4_000 }).wrap(utf8()), text({ max: 1_300 }), {
    ...runs,
    canonical: true,
  }),
);
keeps(
  "fixed",
  laws(fixed(7).wrap(raw()), bytes({ min: 7, max: 7 }), {
    ...runs,
    canonical: true,
    refused: bytes({ max: 6 }),
  }),
);

const isLine = (line: string): boolean => !line.includes("\n") && !line.endsWith("\r");
keeps(
  "lines",
  laws(lines({ maxFrame: 4_000 }).wrap(utf8()), text({ max: 1_300 }).filter(isLine), {
    ...runs,
    refused: text({ max: 200 }).filter((line) => !isLine(line)),
  }),
);

const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 12 });
keeps(
  "delimited by aab",
  laws(
    delimited("aab").wrap(utf8()),
    letters.filter((word) => `${word}aab`.indexOf("aab") === word.length),
    {
      ...runs,
      canonical: true,
      refused: letters.filter((word) => word.includes("aab")),
    },
  ),
);
keeps(
  "delimited by aa",
  laws(
    delimited(["aa", "cb"]).wrap(utf8()),
    letters.filter((word) => /^(?!.*(aa|cb)|.*a$)/.test(word)),
    {
      ...runs,
      refused: letters.filter((word) => /aa|cb|a$/.test(word)),
    },
  ),
);

keeps("lines of JSON", laws(lines().wrap(json()), jsonValues(), runs));
keeps("messages of JSON", laws(perMessage().wrap(json()), jsonValues(), runs));
keeps("raw", laws(raw(), bytes({ max: 1000 }), { ...runs, canonical: true }));
keeps("raw, copied", laws(raw({ copy: true }), bytes({ max: 1000 }), { ...runs, canonical: true }));
keeps("utf8", laws(utf8(), text({ max: 3000 }), { ...runs, canonical: true }));
keeps(
  "json",
  laws(json(), jsonValues(), {
    ...runs,
    refused: fc.constantFrom(undefined, 1n, Number.NaN, [undefined]),
  }),
);
