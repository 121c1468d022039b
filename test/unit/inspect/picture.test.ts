import { lengthPrefixed, lines } from "framewright";
import { picture } from "framewright/inspect";
import { describe, expect, it } from "vitest";
import { fastwayCommand, goimPackets, tlv } from "../../support/formats.ts";

describe("picture", () => {
  it("draws a box for each field, with offsets", () => {
    expect(picture(goimPackets).split("\n")).toEqual([
      "0                    4                         6           8          12          16",
      "| packetLength i32be | headerLength i16be = 16 | ver i16be | op i32be | seq i32be | body bytes |",
    ]);
  });

  it("draws cases and parts below, recursion once", () => {
    expect(picture(tlv).split("\n")).toEqual([
      "0             1              3",
      "| tag enum u8 | length u16be | value by tag |",
      "",
      "value, tag int:",
      "0",
      "| u32be |",
      "",
      "value, tag text:",
      "0",
      "| utf8 |",
      "",
      "value, tag list:",
      "0",
      "| struct... |",
    ]);
    expect(picture(fastwayCommand)).toContain(
      "type = 1, accept:\n0              4                8\n| connId u32le | remoteId u32le | extra bytes |",
    );
  });

  it("draws framings", () => {
    expect(picture(lengthPrefixed({ width: 2, header: Uint8Array.of(0xca) })).split("\n")).toEqual([
      "0           1              3",
      "| header ca | length u16be | payload |",
    ]);
    expect(picture(lines())).toContain("| payload | delimiter");
    expect(() => picture({})).toThrow(TypeError);
  });
});
