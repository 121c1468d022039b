import { brotliCompressSync, deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { fromFile, fromText, MOST_BYTES } from "../../../docs/inspector/input.ts";
import { fragmentOf, MOST_LINKED, stateFrom } from "../../../docs/inspector/link.ts";
import { unpack } from "../../../docs/inspector/unpack.mjs";
import { fromDump, fromHex, kindOf } from "../../../src/inspect/ready/index.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));

describe("input of the inspector", () => {
  it.each([
    ["00 0a ff", "hex", [0, 10, 255]],
    ["0x00, 0x0A", "hex", [0, 10]],
    ["00000000: 6869 0a  hi.", "hex dump", [0x68, 0x69, 10]],
    ["hé", "text", [0x68, 0xc3, 0xa9]],
  ])("reads %j as %s", (text, as, bytes) => {
    const input = fromText(text, "auto");
    expect([input.as, [...input.bytes]]).toEqual([as, bytes]);
  });

  it("reads as it is told", () => {
    expect([...fromText("68", "text").bytes]).toEqual([0x36, 0x38]);
    expect([...fromText("68 # h\n69 // i", "hex").bytes]).toEqual([0x68, 0x69]);
    expect([...fromFile(ascii("68"), "auto").bytes]).toEqual([0x68]);
    expect([...fromFile(ascii("68"), "text").bytes]).toEqual([0x36, 0x38]);
    expect([...fromFile(Uint8Array.of(0, 1), "auto").bytes]).toEqual([0, 1]);
  });

  it("says what it cannot read", () => {
    expect(() => fromText("6g", "hex")).toThrow('"g" is not a hex digit');
    expect(() => fromText("683", "hex")).toThrow("an odd number of digits");
    expect(() => fromFile(Uint8Array.of(0xa1, 0xb2, 0xc3, 0xd4), "auto")).toThrow(
      "npx framewright decode",
    );
    expect(() => fromFile(new Uint8Array(MOST_BYTES + 1), "auto")).toThrow("more than 8 MiB");
  });
});

describe("kindOf", () => {
  it("recognises hex on one line that is longer than what is looked at", () => {
    for (const one of ["00 ", "00", "0x00, ", "00,"]) {
      for (let shift = 0; shift < 6; shift++) {
        const text = " ".repeat(shift) + one.repeat(4096);
        expect(kindOf(ascii(text))).toBe("hex");
        expect(fromHex(text).length).toBe(4096);
      }
    }
    expect(kindOf(ascii(`${"00 ".repeat(4096)}\nzz`))).toBe("hex");
    expect(kindOf(ascii("0 0"))).toBe("raw");
    expect(kindOf(ascii("000"))).toBe("raw");
    expect(kindOf(new Uint8Array(0))).toBe("raw");
  });

  it("tells a dump by its addresses", () => {
    expect([...fromDump("0000 01 02\n0002 03\n")]).toEqual([1, 2, 3]);
    expect(() => fromDump("0000 01\n0002 03\n")).toThrow(
      "line 2 has the address 2, but follows 1 bytes",
    );
    expect(() => fromDump("0000 01\nhello\n")).toThrow("line 2 is not part of a hex dump");
  });
});

describe("unpack", () => {
  const text = ascii("to be or not to be, ".repeat(5000));

  it("unpacks zlib and Brotli", () => {
    expect(unpack("zlib", deflateSync(text), text.length)).toEqual(text);
    expect(unpack("brotli", brotliCompressSync(text), text.length)).toEqual(text);
  });

  it("gives up where the result would be too long, and at what is cut off or no such stream", () => {
    for (const [method, packed] of [
      ["zlib", deflateSync(text)],
      ["brotli", brotliCompressSync(text)],
    ] as const) {
      expect(() => unpack(method, packed, text.length - 1)).toThrow();
      expect(() => unpack(method, packed.subarray(0, packed.length - 8), text.length)).toThrow();
      expect(() => unpack(method, Uint8Array.of(1, 2, 3, 4), text.length)).toThrow();
    }
  });
});

describe("links", () => {
  const state = {
    protocol: "length:width=2+sproto:schema.sproto#Move",
    schema: ".Move { x 0 : integer }\n",
    remote: ".Other {}",
    bytes: Uint8Array.of(0, 255),
    cuts: "1, 2",
    every: 3,
    ends: true,
  };

  it("hold a protocol, a schema, bytes and cuts", () => {
    expect(stateFrom(`#${fragmentOf(state)}`)).toEqual(state);
    const less = { ...state, schema: "", remote: "", cuts: "", every: 0, ends: false };
    expect(stateFrom(fragmentOf(less))).toEqual(less);
  });

  it("leave out more bytes than a link can have", () => {
    const bytes = new Uint8Array(MOST_LINKED + 1);
    expect(stateFrom(fragmentOf({ ...state, bytes }))?.bytes.length).toBe(0);
  });

  it("say nothing without a protocol, and are refused if their bytes are not hex", () => {
    expect(stateFrom("#result")).toBeUndefined();
    expect(() => stateFrom("#protocol=goim&bytes=xy")).toThrow("not a hex digit");
    expect(stateFrom("#protocol=goim&every=-1")?.every).toBe(0);
  });
});
