import { describe, expect, it } from "vitest";
import {
  cobs,
  concatenatedJson,
  contentLength,
  crc16,
  hdlc,
  skip,
  slip,
  withChecksum,
} from "../../../src/framing/index.ts";
import {
  decodeAll,
  delimited,
  encodeAll,
  encodeFrame,
  fixed,
  type InvalidPolicy,
  json,
  lengthPrefixed,
  lines,
  netstring,
  type Protocol,
  ProtocolError,
  perMessage,
  raw,
  type Skipped,
  Splitter,
  utf8,
  varintPrefixed,
} from "../../../src/index.ts";
import { ascii, concat, everySize, failureOf, text } from "../../support/chunks.ts";
import { bytesOf, hexOf } from "../../support/hex.ts";
import { read } from "../../support/tolerant.ts";

const shown = (value: unknown): string => JSON.stringify(value);

describe("skip", () => {
  it("skips lines that are not JSON, and tells why", () => {
    const wire = '{"a":1}\nstarting up\nlistening\n{"a":2}\n\xff\n{"a":3}\n';
    expect(read(lines().wrap(json()), skip(), ascii(wire), shown)).toEqual([
      '{"a":1}',
      "-12 at 8: malformed at 8",
      "-10 at 20: malformed at 20",
      '{"a":2}',
      "-2 at 38: malformed at 38",
      '{"a":3}',
    ]);
  });

  it("skips a line that is too long up to its end", () => {
    const protocol = lines({ maxFrame: 8 }).wrap(utf8());
    const long = "x".repeat(100);
    expect(read(protocol, skip(), ascii(`a\n${long}\nb\n${long}\r\n\nc\n`))).toEqual([
      "a",
      "-101 at 2: too-long at 2",
      "b",
      "-102 at 105: too-long at 105",
      "",
      "c",
    ]);
  });

  it("skips to the end of a delimiter of several bytes, cut anywhere", () => {
    const protocol = delimited(["aab", "\r\n"], { maxFrame: 6 }).wrap(utf8());
    expect(read(protocol, skip(), ascii("1aab1234567aaaab2\r\nxxxxxxxxx\r\r\n3aab"))).toEqual([
      "1",
      "-12 at 4: too-long at 4",
      "2",
      "-12 at 19: too-long at 19",
      "3",
    ]);
  });

  it.each<[string, Protocol<string>, string, string[]]>([
    [
      "lengthPrefixed",
      lengthPrefixed({ width: 1, maxFrame: 5 }).wrap(utf8()),
      "\x01a\x09123456789\x02bc\x05aaaaa",
      ["a", "-10 at 2: too-long at 2", "bc", "-6 at 15: too-long at 15"],
    ],
    [
      "varintPrefixed",
      varintPrefixed({ maxFrame: 5 }).wrap(utf8()),
      `\x01a\xc8\x01${"x".repeat(200)}\x01b`,
      ["a", "-202 at 2: too-long at 2", "b"],
    ],
    [
      "netstring",
      netstring({ maxFrame: 6 }).wrap(utf8()),
      "1:a,12:123456789012,1:b,",
      ["a", "-16 at 4: too-long at 4", "b"],
    ],
    [
      "contentLength",
      contentLength({ maxFrame: 24 }).wrap(utf8()),
      "Content-Length: 8\r\n\r\n12345678Content-Length: 1\r\n\r\na",
      ["-29 at 0: too-long at 0", "a"],
    ],
  ])("passes over an announced length by count: %s", (_, protocol, wire, expected) => {
    expect(read(protocol, skip({ most: 500 }), ascii(wire))).toEqual(expected);
  });

  it("skips frames whose checksum fails", () => {
    const framing = lengthPrefixed({ width: 1 });
    const protocol = withChecksum(framing, { sum: crc16("modbus"), width: 2 }).wrap(raw());
    const good = encodeAll(protocol, [ascii("a"), ascii("b"), ascii("c")]);
    good[5]! ^= 1;
    expect(read(protocol, skip(), good, text)).toEqual(["a", "-4 at 4: malformed at 6", "c"]);
  });

  it.each<[string, Protocol<Uint8Array>, string, string[]]>([
    [
      "slip",
      slip().wrap(raw()),
      "c0 01 c0 c0 db 05 c0 c0 02 c0",
      ["01", "-4 at 3: malformed at 5", "02"],
    ],
    [
      "slip, too long",
      slip({ maxFrame: 5 }).wrap(raw()),
      "c0 01 c0 c0 01 02 03 04 05 06 c0 02 c0",
      ["01", "-8 at 3: too-long at 3", "02"],
    ],
    [
      "hdlc",
      hdlc().wrap(raw()),
      "7e 01 02 03 04 7e 31 7e",
      ["-6 at 0: malformed at 3", "-2 at 6: malformed at 6"],
    ],
    [
      "cobs",
      cobs().wrap(raw()),
      "02 01 00 09 01 00 02 02 00",
      ["01", "-3 at 3: malformed at 3", "02"],
    ],
  ])("skips damaged frames between flags: %s", (_, protocol, wire, expected) => {
    expect(read(protocol, skip(), bytesOf(wire), hexOf)).toEqual(expected);
  });

  it("continues at the next mark, if the framing can find it", () => {
    const marked = lengthPrefixed({ width: 1, header: ascii("GO") }).wrap(utf8());
    expect(read(marked, skip(), ascii("GO\x01ajunkGGO\x02bcG?GO\x01dnoiseG"))).toEqual([
      "a",
      "-5 at 4: malformed at 4",
      "bc",
      "-2 at 14: malformed at 15",
      "d",
      "-6 at 20: malformed at 20",
    ]);
    // A mark and a length are the start of a frame, regardless of the next bytes.
    expect(read(marked, skip(), ascii("GO?GO\x01d"))).toEqual(["!truncated at 0"]);
    const lsp = contentLength().wrap(utf8());
    const log = "Server is up\n";
    const wire = `${log}Content-Length: 2\r\n\r\nhi${log}content-LENGTH: 1\r\n\r\na`;
    expect(read(lsp, skip(), ascii(wire))).toEqual([
      "-13 at 0: malformed at 6",
      "hi",
      "-13 at 36: malformed at 42",
      "a",
    ]);
    const objects = concatenatedJson().wrap(json());
    expect(read(objects, skip(), ascii('{"a":1} junk {"b":}[2]'), shown)).toEqual([
      '{"a":1}',
      "-5 at 8: malformed at 8",
      "-6 at 13: malformed at 13",
      "[2]",
    ]);
  });

  it.each<[string, Protocol<string>, string, string[]]>([
    [
      "a length below its header",
      lengthPrefixed({ width: 1, counts: "frame" }).wrap(utf8()),
      "\x02a\0\x02b",
      ["a", "!malformed at 2"],
    ],
    ["a length that is no number", netstring().wrap(utf8()), "1:a,x:b,", ["a", "!malformed at 4"]],
    ["a frame that is cut", lines().wrap(utf8()), "a\nb", ["a", "!truncated at 2"]],
  ])("ends with the ordinary error for %s", (_, protocol, wire, expected) => {
    expect(read(protocol, skip(), ascii(wire))).toEqual(expected);
  });

  it("reports a bad frame that the end of the stream cuts", () => {
    const protocol = lengthPrefixed({ width: 1, maxFrame: 5 }).wrap(utf8());
    expect(read(protocol, skip(), ascii("\x01a\x09123"))).toEqual(["a", "-4 at 2: too-long at 2"]);
    const short = lines({ maxFrame: 4 }).wrap(utf8());
    expect(read(short, skip(), ascii("a\n12345678"))).toEqual(["a", "-8 at 2: too-long at 2"]);
  });

  it("skips no more than `most` in a row", () => {
    const protocol = lines({ maxFrame: 4 }).wrap(utf8());
    const bad = "123456789\n";
    expect(read(protocol, skip({ most: 20 }), ascii(`${bad}${bad}a\n${bad}${bad}b\n`))).toEqual([
      "-10 at 0: too-long at 0",
      "-10 at 10: too-long at 10",
      "a",
      "-10 at 22: too-long at 22",
      "-10 at 32: too-long at 32",
      "b",
    ]);
    // The number of skipped bytes of the last one depends on the cuts; the reports do not.
    const log = read(protocol, skip({ most: 19 }), ascii(`${bad}${bad}a\n`));
    expect(log).toEqual(["-10 at 0: too-long at 0", "!too-long at 10"]);
    const counted = lengthPrefixed({ width: 1, maxFrame: 4 }).wrap(utf8());
    const wire = ascii(`\x09${"x".repeat(9)}\x01a`);
    expect(read(counted, skip({ most: 10 }), wire)).toEqual(["-10 at 0: too-long at 0", "a"]);
    expect(read(counted, skip({ most: 9 }), wire)).toEqual(["!too-long at 0"]);
    expect(() => decodeAll(counted, wire, { onInvalid: skip({ most: 9 }) })).toThrow(
      /^frame of 10 bytes .*; more bytes in a row are bad than `most` \(9\) allows: raise it to skip them$/,
    );
    const failing = lines().wrap(json());
    expect(read(failing, skip({ most: 5 }), ascii("1\nbad\nbad\n"))).toEqual([
      "1",
      "-4 at 2: malformed at 2",
      "!malformed at 6",
    ]);
  });

  it("skips 16 times maxFrame by default", () => {
    const protocol = lines({ maxFrame: 4 }).wrap(utf8());
    const of = (length: number) =>
      read(protocol, skip(), ascii(`${"x".repeat(length - 1)}\na\n`)).at(-1);
    expect(of(64)).toBe("a");
    expect(of(65)).toBe("!too-long at 0");
  });

  it("keeps nothing of a frame that it skips", () => {
    const splitter = new Splitter(lengthPrefixed({ width: 4, maxFrame: 100 }), {
      onInvalid: skip({ most: 2 ** 30 }),
    });
    splitter.push(Uint8Array.of(0, 0x10, 0, 0));
    for (let i = 0; i < 1024; i++) {
      expect(splitter.next()).toBe(false);
      expect(splitter.pending).toBe(0);
      splitter.push(new Uint8Array(1024));
    }
    expect(splitter.next()).toBe(false);
    splitter.push(Uint8Array.of(0, 0, 0, 1, 7));
    expect(splitter.next()).toBe(true);
    expect(splitter.offset).toBe(4 + 1024 * 1024);
  });

  it("copies nothing of a line that it skips", () => {
    const splitter = new Splitter(lines({ maxFrame: 1000 }), { onInvalid: skip({ most: 1e9 }) });
    for (let i = 0; i < 100; i++) {
      splitter.push(new Uint8Array(4096).fill(0x61));
      expect(splitter.next()).toBe(false);
      expect(splitter.pending).toBe(0);
      expect(splitter.bytes).toHaveLength(0);
    }
  });

  it("drops a bad message if messages have boundaries of their own", () => {
    const notices = perMessage({ maxFrame: 10 }).wrap(json());
    const skipped: Skipped[] = [];
    const options = { onInvalid: skip(), skipped: (one: Skipped) => skipped.push(one) };
    expect(decodeAll(notices, ascii("[1]"), options)).toEqual([[1]]);
    expect(decodeAll(notices, ascii("nope"), options)).toEqual([]);
    expect(decodeAll(notices, ascii("[1, 2, 3, 4]"), options)).toEqual([]);
    expect(skipped.map(({ length, error }) => [length, error.code])).toEqual([
      [4, "malformed"],
      [12, "too-long"],
    ]);
  });

  it("refuses invalid options", () => {
    for (const most of [0, -1, 0.5, Number.NaN, Infinity, "5" as never]) {
      expect(() => skip({ most })).toThrow(/skip: most must be an integer of at least 1/);
    }
    expect(() => skip({ max: 1 } as object)).toThrow(/skip has no option "max"; use most/);
    expect(Object.isFrozen(skip())).toBe(true);
    expect(skip({ most: 5 })).toMatchObject({ kind: "skip", most: 5 });
  });
});

describe("Splitter with a policy", () => {
  const bad = ascii("1\nbad\n2\nworse\n3\n");

  it("refuses unknown options", () => {
    expect(() => new Splitter(lines(), { policy: 1 } as object)).toThrow(/use onInvalid, skipped/);
  });

  it("ends the stream by default: reject is final", () => {
    const splitter = new Splitter(lines());
    splitter.push(bad);
    splitter.next();
    splitter.accept();
    const failure = failureOf(() => splitter.reject(new ProtocolError("malformed", "no", 1)));
    expect(failure).toEqual({ code: "malformed", offset: 1, message: "no" });
    for (const call of [
      () => splitter.next(),
      () => splitter.push(ascii("x")),
      () => splitter.reject(new Error("again")),
    ]) {
      expect(failureOf(call)).toEqual(failure);
    }
  });

  it("accepts any error of a codec", () => {
    const skipped: Skipped[] = [];
    const splitter = new Splitter(lines(), {
      onInvalid: skip(),
      skipped: (one) => skipped.push(one),
    });
    splitter.push(bad);
    splitter.next();
    splitter.next();
    splitter.reject(new Error("not JSON"));
    expect([splitter.start, splitter.end, splitter.offset]).toEqual([6, 6, 6]);
    expect(skipped[0]).toMatchObject({ length: 4, offset: 2 });
    expect(skipped[0]?.error.message).toBe("decode failed: not JSON");
    expect(splitter.next()).toBe(true);
    expect(splitter.offset).toBe(6);
  });

  it("has nothing to reject before the first frame", () => {
    const splitter = new Splitter(lines(), { onInvalid: skip() });
    expect(failureOf(() => splitter.reject(new Error("what?")))?.code).toBe("malformed");
  });

  it("continues after a callback that throws", () => {
    const splitter = new Splitter(lines({ maxFrame: 4 }), {
      onInvalid: skip(),
      skipped: () => {
        throw new TypeError("a bug");
      },
    });
    splitter.push(ascii("1\n234567\n8\n9\n"));
    expect(splitter.next()).toBe(true);
    expect(() => splitter.next()).toThrow("a bug");
    expect(splitter.offset).toBe(9);
    expect(splitter.next()).toBe(true);
    expect(splitter.offset).toBe(11);
  });

  it("begins anew with another framing, and for the rest", () => {
    const skipped: Skipped[] = [];
    const splitter = new Splitter(lines({ maxFrame: 4 }), {
      onInvalid: skip(),
      skipped: (one) => skipped.push(one),
    });
    splitter.push(ascii("1234567"));
    expect(splitter.next()).toBe(false);
    splitter.use(fixed(2));
    expect(skipped.map(({ length }) => length)).toEqual([7]);
    splitter.push(ascii("ab12345"));
    expect(splitter.next()).toBe(true);
    splitter.use(lines({ maxFrame: 4 }));
    expect(splitter.next()).toBe(false);
    expect(splitter.rest()).toHaveLength(0);
    expect(skipped.map(({ length, offset }) => [length, offset])).toEqual([
      [7, 0],
      [5, 9],
    ]);
  });

  it("fails once a policy's recover does", () => {
    for (const answer of [0, -2, 0.5, 1e9, "1" as never]) {
      const framing = { ...lines({ maxFrame: 4 }), recover: () => answer };
      const splitter = new Splitter(framing, { onInvalid: skip() });
      splitter.push(ascii("12345678\n"));
      const failure = failureOf(() => splitter.next());
      expect(failure?.message).toMatch(/recover skips .* of 4 bytes/);
      expect(failureOf(() => splitter.next())).toEqual(failure);
    }
  });

  it("reads the same frames as without one, if all are good", () => {
    const protocol = lengthPrefixed({ width: 2 }).wrap(raw());
    const values = Array.from({ length: 50 }, (_, i) => new Uint8Array(i * 7).fill(i));
    const wire = encodeAll(protocol, values);
    const policies: (InvalidPolicy | undefined)[] = [undefined, skip()];
    for (const onInvalid of policies) {
      const splitter = new Splitter(protocol, { onInvalid });
      const found: Uint8Array[] = [];
      for (const piece of everySize(wire, 13)) {
        splitter.push(piece);
        while (splitter.next()) {
          found.push(splitter.bytes.slice(splitter.start, splitter.end));
        }
      }
      splitter.finish();
      expect(concat(found)).toEqual(wire);
      expect(found).toHaveLength(50);
      expect(encodeFrame(protocol, values[1]!)).toEqual(found[1]);
    }
  });
});
