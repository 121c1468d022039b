import fc from "fast-check";
import { expect } from "vitest";
import {
  cobs,
  concatenatedJson,
  contentLength,
  crc16,
  crc32,
  decimalPrefixed,
  fletcher16,
  framing,
  hdlc,
  headed,
  internetChecksum,
  pieces,
  slip,
  stuffed,
  withChecksum,
  xor8,
} from "../../src/framing/index.ts";
import {
  defineProtocol,
  delimited,
  fixed,
  json,
  latin1,
  lengthPrefixed,
  lines,
  netstring,
  type Output,
  onePerMessage,
  perMessage,
  raw,
  utf8,
  varintPrefixed,
} from "../../src/index.ts";
import { bytes, jsonValues, laws, text } from "../../src/testing/index.ts";
import { keeps } from "../support/laws.ts";

const runs = { runs: 40 };

const sum64 = (bytes: Uint8Array, start: number, end: number): bigint => {
  let sum = 14_695_981_039_346_656_037n;
  for (let at = start; at < end; at++) {
    sum = BigInt.asUintN(64, (sum ^ BigInt(bytes[at]!)) * 1_099_511_628_211n);
  }
  return sum;
};

for (const width of [1, 2, 3, 4, 5, 6, 7, 8] as const) {
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

const marked = lengthPrefixed({
  width: 2,
  header: Uint8Array.of(0xca, 0xfe),
  adjust: -2,
  maxFrame: 500,
});
keeps(
  "lengthPrefixed with header and adjust",
  laws(marked.wrap(raw()), bytes({ min: 2, max: 600 }), runs),
);

for (const [name, options, least] of [
  ["the frame, adjusted up", { width: 3, counts: "frame", adjust: 4 }, 4],
  ["the frame, adjusted down, after a header", { width: 2, counts: "frame", adjust: -3 }, 0],
  ["the body, adjusted up, after a header", { width: 1, endian: "le", adjust: 2 }, 2],
] as const) {
  const header = name.endsWith("header") ? Uint8Array.of(0, 0xff, 0) : undefined;
  const framing = lengthPrefixed({ ...options, header, maxFrame: 250 });
  keeps(
    `lengthPrefixed that counts ${name}`,
    laws(framing.wrap(raw()), bytes({ min: least, max: 300 }), { ...runs, canonical: true }),
  );
}

const varint = varintPrefixed({ maxFrame: 17_000 });
keeps("varintPrefixed", laws(varint.wrap(raw()), bytes(varint), runs));
for (const [name, options] of [
  ["of two bytes", { maxBytes: 2 }],
  ["of ten bytes", { maxBytes: 10, maxFrame: 300 }],
] as const) {
  const framing = varintPrefixed({ ...options, minimal: true });
  keeps(
    `varintPrefixed ${name}, minimal`,
    laws(framing.wrap(raw()), bytes(framing), { ...runs, canonical: true }),
  );
}

// A type before the length: only a codec for whole frames sees it.
for (const [name, framing, write] of [
  [
    "lengthPrefixed",
    lengthPrefixed({ offset: 1, width: 2, endian: "le", maxFrame: 400 }),
    (body: Uint8Array, out: Output) => out.sized(2, "le", () => out.bytes(body)),
  ],
  [
    "varintPrefixed",
    varintPrefixed({ offset: 1, maxBytes: 4, minimal: true, maxFrame: 400 }),
    (body: Uint8Array, out: Output) => out.varint(body.length).bytes(body),
  ],
] as const) {
  const typed = defineProtocol<{ type: number; body: Uint8Array }>({
    ...framing,
    name: `typed ${name}`,
    decode: (bytes, start, end) => ({
      type: bytes[start]!,
      body: bytes.subarray(framing.payloadStart(bytes, start, end), end),
    }),
    encode: ({ type, body }, out) => void write(body, out.u8(type)),
  });
  expect(framing.wrap).toThrow(TypeError);
  const values = fc.record({ type: fc.nat(255), body: bytes({ max: 500 }) });
  keeps(`${name} in a whole-frame codec`, laws(typed, values, { ...runs, canonical: true }));
}

for (const [name, options, least] of [
  ["of four digits", { digits: 4, maxFrame: 400 }, 0],
  ["of two digits that count the frame", { digits: 2, counts: "frame", trailer: "!" }, 0],
  ["up to a space", { delimiter: " ", maxFrame: 400 }, 0],
  ["up to CRLF, with a trailer", { delimiter: "\r\n", trailer: "\r\n", maxFrame: 400 }, 0],
  ["adjusted", { digits: 3, adjust: 2 }, 2],
] as const) {
  const framing = decimalPrefixed(options);
  keeps(
    `decimalPrefixed ${name}`,
    laws(framing.wrap(raw()), bytes({ min: least, max: 500 }), { ...runs, canonical: true }),
  );
}
keeps(
  "decimalPrefixed with leading zeros",
  laws(
    decimalPrefixed({ delimiter: ":", leadingZeros: true, maxFrame: 400 }).wrap(raw()),
    bytes({ max: 500 }),
    runs,
  ),
);
keeps(
  "decimalPrefixed of fifteen digits, adjusted down",
  laws(
    decimalPrefixed({ digits: 15, adjust: -7, maxFrame: 400 }).wrap(raw()),
    bytes({ max: 500 }),
    {
      ...runs,
      canonical: true,
    },
  ),
);
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

for (const ending of ["\n", "\r\n"] as const) {
  for (const last of ["error", "accept"] as const) {
    for (const skipEmpty of [false, true]) {
      const isWritable = (line: string): boolean =>
        !line.includes("\n") &&
        (ending === "\r\n" || !line.endsWith("\r")) &&
        !(skipEmpty && !line);
      const line = fc
        .string({ unit: fc.constantFrom("a", "\r", "é"), maxLength: 40 })
        .filter(isWritable);
      keeps(
        `lines: ${JSON.stringify({ ending, last, skipEmpty })}`,
        laws(lines({ ending, last, skipEmpty, maxFrame: 60 }).wrap(utf8()), line, {
          ...runs,
          refused: text({ max: 20 }).filter((one) => !isWritable(one)),
        }),
      );
    }
  }
}

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

const bodies = bytes({ max: 80 });
keeps(
  "delimited by one byte",
  laws(
    delimited(Uint8Array.of(0), { maxFrame: 60 }).wrap(raw()),
    bodies.filter((body) => !body.includes(0)),
    { ...runs, canonical: true, refused: bodies.filter((body) => body.includes(0)) },
  ),
);

const flags = fc.constantFrom(0x00, 0x01, 0x7d, 0x7e, 0x5e, 0xc0, 0xdb, 0xdc, 0xdd, 0xff);
const awkward = fc
  .array(fc.oneof(flags, fc.nat(255)), { minLength: 1, maxLength: 300, size: "max" })
  .map((all) => Uint8Array.from(all));
const empty = fc.constant(new Uint8Array(0));
for (const leading of [false, true]) {
  const named = leading ? ", flags in front" : "";
  keeps(
    `slip${named}`,
    laws(slip({ leading, maxFrame: 400 }).wrap(raw()), awkward, { ...runs, refused: empty }),
  );
  keeps(`cobs${named}`, laws(cobs({ leading, maxFrame: 400 }).wrap(raw()), awkward, runs));
  keeps(
    `cobs of long runs${named}`,
    laws(cobs({ leading }).wrap(raw()), bytes({ max: 600 }), runs),
  );
  for (const fcs of [0, 16, 32] as const) {
    const framing = hdlc({ fcs, leading, maxFrame: 400, also: [0x11, 0x13] });
    keeps(
      `hdlc with FCS ${fcs}${named}`,
      laws(framing.wrap(raw()), awkward, { ...runs, ...(fcs === 0 && { refused: empty }) }),
    );
  }
}
keeps(
  "stuffed with an escape that escapes itself",
  laws(stuffed({ flag: 0x7e, escape: 0x7d, map: { 126: 1, 125: 125 } }).wrap(raw()), awkward, runs),
);

keeps(
  "stuffed, XORed, with more bytes and a flag in front",
  laws(
    stuffed({ flag: 0xc0, escape: 0xdb, map: 0x55, also: [0, 1], leading: true }).wrap(raw()),
    awkward,
    { ...runs, refused: empty },
  ),
);
for (const width of [1, 3, 8] as const) {
  const sum = width === 1 ? xor8 : width === 3 ? fletcher16 : sum64;
  const framing = withChecksum(slip({ maxFrame: 400 }), { sum, width, endian: "be" });
  keeps(`withChecksum of ${width} bytes within slip`, laws(framing.wrap(raw()), awkward, runs));
}
keeps(
  "withChecksum of a part, in lines of text",
  laws(
    withChecksum(lengthPrefixed({ width: 1 }), { sum: internetChecksum, width: 2, from: 1 }).wrap(
      utf8(),
    ),
    text({ max: 60 }),
    { ...runs, canonical: true },
  ),
);

for (const from of [undefined, 0, 2]) {
  const framing = lengthPrefixed({ width: 2, header: Uint8Array.of(0xaa, 0x55), maxFrame: 400 });
  const checked = withChecksum(framing, { sum: crc16("modbus"), width: 2, endian: "le", from });
  keeps(
    `withChecksum from ${from}`,
    laws(checked.wrap(raw()), bytes({ max: 500 }), { ...runs, canonical: true }),
  );
}
keeps(
  "withChecksum around a codec",
  laws(withChecksum(utf8(), { sum: crc32(), width: 4 }), text({ max: 200 }), {
    ...runs,
    canonical: true,
  }),
);

for (const maxHeader of [30, 8192]) {
  keeps(
    `contentLength, headers up to ${maxHeader}`,
    laws(contentLength({ maxHeader, maxFrame: 400 }).wrap(raw()), bytes({ max: 500 }), runs),
  );
}
keeps(
  "headed by a line",
  laws(
    headed({
      end: "\r\n",
      length: (header) => Number(/^SEND ([1-9]\d*|0)$/.exec(header)?.[1]),
      write: (length) => `SEND ${length}`,
      maxFrame: 400,
    }).wrap(raw()),
    bytes({ max: 500 }),
    { ...runs, canonical: true },
  ),
);
keeps(
  "headed by a block of lines, at most 24 bytes",
  laws(
    headed({
      length: (header) => Number(/^size: (\d+)$/m.exec(header)?.[1]),
      write: (length) => `from: me\r\nsize: ${length}`,
      maxHeader: 24,
      maxFrame: 300,
    }).wrap(raw()),
    bytes({ max: 99 }),
    // Who it is from is not looked at.
    { ...runs, ignores: (_, at) => at < 10 },
  ),
);
keeps(
  "onePerMessage",
  laws(
    onePerMessage(lengthPrefixed({ width: 2, maxFrame: 300 }).wrap(raw())),
    bytes({ max: 310 }),
    {
      ...runs,
      canonical: true,
    },
  ),
);
keeps(
  "a framing of one's own",
  laws(
    framing({
      name: "own",
      maxFrame: 258,
      maxSend: 200,
      measure: (bytes, start, end) => (end - start < 2 ? 0 : 3 + bytes[start + 1]!),
      payloadStart: (_, start) => start + 2,
      payloadEnd: (_, __, end) => end - 1,
      open: (out) => void out.u8(7).reserve(1),
      close: (out, start) => void out.u8(9).patch(start + 1, 1, out.length - start - 3),
    }).wrap(raw()),
    bytes({ max: 197 }),
    { ...runs, ignores: (frame, at) => at === 0 || at === frame.length - 1 },
  ),
);
keeps(
  "concatenatedJson",
  laws(
    concatenatedJson().wrap(json()),
    jsonValues().filter((value) => typeof value === "object" && value !== null),
    { ...runs, refused: fc.constantFrom(1, "text", null, true) },
  ),
);
keeps("pieces", laws(pieces({ most: 300 }).wrap(raw()), bytes({ min: 1, max: 300 }), runs));

keeps("lines of JSON", laws(lines().wrap(json()), jsonValues(), runs));
keeps("messages of JSON", laws(perMessage().wrap(json()), jsonValues(), runs));
keeps("raw", laws(raw(), bytes({ max: 1000 }), { ...runs, canonical: true }));
keeps("raw, copied", laws(raw({ copy: true }), bytes({ max: 1000 }), { ...runs, canonical: true }));
keeps(
  "latin1",
  laws(latin1(), fc.string({ unit: fc.nat(255).map((unit) => String.fromCharCode(unit)) }), {
    ...runs,
    canonical: true,
    refused: fc.constantFrom("Ā", "a€", "\ud800", "😀"),
  }),
);
keeps("utf8", laws(utf8(), text({ max: 3000 }), { ...runs, canonical: true }));
keeps(
  "json",
  laws(json(), jsonValues(), {
    ...runs,
    refused: fc.constantFrom(undefined, 1n, Number.NaN, [undefined]),
  }),
);
