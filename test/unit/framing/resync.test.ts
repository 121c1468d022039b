import { describe, expect, it } from "vitest";
import { crc16, pieces, resync, skip, sum8, withChecksum } from "../../../src/framing/index.ts";
import {
  decodeAll,
  encodeAll,
  fixed,
  lengthPrefixed,
  lines,
  ProtocolError,
  perMessage,
  raw,
  type Skipped,
  Splitter,
  utf8,
} from "../../../src/index.ts";
import { ascii, concat, failureOf, text } from "../../support/chunks.ts";
import { bytesOf, hexOf } from "../../support/hex.ts";
import { read } from "../../support/tolerant.ts";

const marked = lengthPrefixed({ width: 1, header: bytesOf("ef ef") });

describe("resync", () => {
  it("finds frames after noise, as SuperSocket#775 asks", () => {
    const log = read(marked.wrap(raw()), resync(), bytesOf("32 ef ef 02 30 31 ef ef 01 07"), hexOf);
    expect(log).toEqual(["-1 at 0: malformed at 0", "3031", "07"]);
  });

  it.each<[string, string, string[]]>([
    ["half a mark before a mark", "ef ef ef 01 07", ["-1 at 0: truncated at 0", "07"]],
    ["a mark that is cut by noise", "ef 00 ef ef 01 07", ["-2 at 0: malformed at 1", "07"]],
    ["noise alone", "01 02 03", ["-3 at 0: malformed at 0"]],
    ["half a mark at the end", "ef ef 01 07 05 ef", ["07", "-2 at 4: malformed at 4"]],
    ["a frame that is cut", "ef ef 01 07 ef ef 09 01", ["07", "-4 at 4: truncated at 4"]],
    ["a long one that holds another", "ef ef 20 01 ef ef 01 07", ["-4 at 0: truncated at 0", "07"]],
  ])("reads %s", (_, wire, expected) => {
    const protocol = lengthPrefixed({ width: 1, header: bytesOf("ef ef") }).wrap(raw());
    expect(read(protocol, resync(), bytesOf(wire), hexOf)).toEqual(expected);
  });

  it("passes over one byte of a frame with a length out of range, not over its header", () => {
    const short = lengthPrefixed({ width: 1, header: ascii("U"), maxFrame: 6 }).wrap(utf8());
    expect(read(short, resync(), ascii("U\x55U\x02ab"))).toEqual(["-2 at 0: too-long at 0", "ab"]);
  });

  it("continues one byte after a failed checksum, and reports the run once", () => {
    const protocol = withChecksum(marked, { sum: crc16("modbus"), width: 2, from: 0 }).wrap(raw());
    const wire = encodeAll(protocol, [bytesOf("01"), bytesOf("02 ef ef 03"), bytesOf("04")]);
    const noise = bytesOf("ef ef 03 00 ff");
    const bad = wire.slice(6, 15);
    bad[4]! ^= 0x10;
    const stream = concat([wire.subarray(0, 6), noise, bad, wire.subarray(15)]);
    expect(read(protocol, resync(), stream, hexOf)).toEqual([
      "01",
      `-14 at 6: malformed at 10`,
      "04",
    ]);
  });

  it("tries every byte, if frames have no mark", () => {
    const protocol = withChecksum(lengthPrefixed({ width: 1, maxFrame: 9 }), {
      sum: sum8,
      width: 1,
      from: 0,
    }).wrap(utf8());
    const wire = encodeAll(protocol, ["ab", "c"]);
    const stream = concat([
      ascii("\xff\x01\x02"),
      wire.subarray(0, 4),
      ascii("\0"),
      wire.subarray(4),
    ]);
    expect(read(protocol, resync(), stream)).toEqual([
      "-3 at 0: too-long at 0",
      "ab",
      "-1 at 7: malformed at 8",
      "c",
    ]);
  });

  it("continues at the next line", () => {
    const digits = {
      decode: (bytes: Uint8Array, start: number, end: number) => {
        const value = Number(text(bytes.subarray(start, end)));
        if (Number.isNaN(value)) throw new Error("not a number");
        return value;
      },
      encode() {},
    };
    const protocol = lines({ maxFrame: 10 }).wrap(digits);
    expect(read(protocol, resync(), ascii("1\nx\ny\n23456789012\n2\n"))).toEqual([
      "1",
      "-16 at 2: malformed at 2",
      "2",
    ]);
  });

  it("skips no more than `most` in a row", () => {
    const protocol = marked.wrap(raw());
    const noise = "01 ".repeat(10);
    const wire = bytesOf(`${noise} ef ef 01 07 ${noise} ef ef 01 08`);
    expect(read(protocol, resync({ most: 10 }), wire, hexOf)).toEqual([
      "-10 at 0: malformed at 0",
      "07",
      "-10 at 14: malformed at 14",
      "08",
    ]);
    expect(read(protocol, resync({ most: 9 }), wire, hexOf).at(-1)).toBe("!malformed at 0");
  });

  it("skips a frame that timed out", () => {
    const skipped: Skipped[] = [];
    const splitter = new Splitter(marked, {
      onInvalid: resync(),
      skipped: (one) => skipped.push(one),
    });
    splitter.push(bytesOf("ef ef 20 01 ef ef 01 07"));
    expect(splitter.next()).toBe(false);
    splitter.reject(new ProtocolError("timeout", "frame takes too long"));
    expect(splitter.next()).toBe(true);
    expect(splitter.offset).toBe(4);
    // The frame has not been confirmed yet.
    expect(skipped).toEqual([]);
    splitter.accept();
    expect(skipped).toMatchObject([{ length: 4, offset: 0, error: { code: "timeout" } }]);
    splitter.finish();
    expect(skipped).toHaveLength(1);
  });

  it("treats the next call as a confirmation of the frame", () => {
    const skipped: Skipped[] = [];
    const splitter = new Splitter(marked, {
      onInvalid: resync(),
      skipped: (one) => skipped.push(one),
    });
    splitter.push(bytesOf("01 ef ef 00 ef ef 00"));
    expect(splitter.next()).toBe(true);
    expect(skipped).toEqual([]);
    expect(splitter.next()).toBe(true);
    expect(skipped).toHaveLength(1);
  });

  it("refuses framings with a large maxFrame, and invalid options", () => {
    expect(() => new Splitter(lines(), { onInvalid: resync() })).toThrow(
      "resync needs a framing with a maxFrame of at most 65536, not 1048576",
    );
    expect(() => resync({ most: 0 })).toThrow(/resync: most/);
    expect(() => resync({ after: 1 } as object)).toThrow(/resync has no option "after"; use most/);
    const messages = perMessage().wrap(raw());
    expect(() => decodeAll(messages, ascii("a"), { onInvalid: resync() })).toThrow(TypeError);
    expect(() => decodeAll(messages, ascii("a"), { invalid: skip() } as object)).toThrow(
      /decodeAll has no option "invalid"; use onInvalid, skipped/,
    );
    expect(resync({ most: 9 })).toMatchObject({ kind: "resync", most: 9 });
  });

  it("has nothing to do for pieces, and for frames of one length", () => {
    expect(read(fixed(2).wrap(utf8()), resync(), ascii("abcde"))).toEqual([
      "ab",
      "cd",
      "-1 at 4: truncated at 4",
    ]);
    expect(
      decodeAll(pieces({ most: 9 }).wrap(utf8()), ascii("ab"), { onInvalid: resync() }),
    ).toEqual(["ab"]);
  });

  it("leaves errors of the program alone", () => {
    const broken = { ...marked, recover: () => Number.NaN };
    const splitter = new Splitter(broken, { onInvalid: resync() });
    splitter.push(ascii("x"));
    expect(failureOf(() => splitter.next())?.message).toBe("recover skips NaN of 1 bytes");
  });
});
