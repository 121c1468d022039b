import { describe, expect, it } from "vitest";
import { contentLength, newScan } from "../../../src/framing/index.ts";
import { decodeAll, decodeFrame, encodeFrame, json, raw, utf8 } from "../../../src/index.ts";
import { ascii, everySize, failureOf, readAll, text } from "../../support/chunks.ts";

const protocol = contentLength().wrap(utf8());

/** The error of a stream, which must not depend on the cuts. */
function failureIn(wire: string, options = {}) {
  const framing = contentLength(options);
  const whole = readAll(framing, [ascii(wire)]);
  for (let size = 1; size < 40; size++) {
    expect(readAll(framing, everySize(ascii(wire), size))).toEqual(whole);
  }
  return whole.failure;
}

describe("contentLength", () => {
  it("counts bytes, not characters", () => {
    const frame = encodeFrame(protocol, "héllo");
    expect(text(frame)).toBe("Content-Length: 6\r\n\r\nh\xc3\xa9llo");
    expect(decodeFrame(protocol, frame)).toBe("héllo");
    expect(decodeFrame(protocol, encodeFrame(protocol, ""))).toBe("");
    expect(decodeFrame(protocol, encodeFrame(protocol, "x".repeat(12_345)))).toHaveLength(12_345);
  });

  it.each<[string, string]>([
    ["as LSP and DAP write it", "Content-Length: 2\r\n\r\nhi"],
    [
      "after another header",
      "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\nhi",
    ],
    ["before another header", "Content-Length: 2\r\nContent-Type: x\r\n\r\nhi"],
    ["in any case", "CONTENT-length: 2\r\n\r\nhi"],
    ["without a space", "Content-Length:2\r\n\r\nhi"],
    ["with more space", "Content-Length: \t 2 \t\r\n\r\nhi"],
    ["with leading zeros", "Content-Length: 0002\r\n\r\nhi"],
    ["twice the same", "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi"],
    ["beside odd but valid names", "x!#$%&'*+-.^_`|~9: \xe9\r\nContent-Length: 2\r\n\r\nhi"],
  ])("reads a header %s", (_, wire) => {
    expect(decodeFrame(protocol, ascii(wire))).toBe("hi");
    const two = readAll(contentLength(), everySize(ascii(wire + wire), 1));
    expect(two.frames.map(text)).toEqual([wire, wire]);
  });

  it.each<[string, string, number, string]>([
    [
      "a log line",
      "Listening on 5\nContent-Length: 2\r\n\r\nhi",
      9,
      "byte 32 cannot be in the name",
    ],
    [
      "a log line with a colon",
      "INFO: up\nContent-Length: 2\r\n\r\nhi",
      8,
      "byte 10 cannot be in a",
    ],
    ["JSON lines", '{"jsonrpc":"2.0"}\n', 0, "byte 123 cannot be in the name"],
    ["an empty header", "\r\n\r\n", 0, "byte 13 cannot be in the name"],
    ["a name without letters", ": 5\r\n\r\n", 0, "byte 58 cannot be in the name"],
    ["a name alone", "Content-Length\r\n\r\n", 14, "byte 13 cannot be in the name"],
    ["a bare LF after a header", "Content-Length: 2\r\n\nhi", 19, "byte 10 cannot be in the name"],
    ["a bare CR", "Content-Length: 2\rhi", 18, "byte 104 follows a CR in place of LF"],
    ["no LF at the end", "Content-Length: 2\r\n\rhi", 20, "byte 104 follows a CR in place of LF"],
    ["no length", "Content-Type: x\r\n\r\n", 0, "header without Content-Length"],
    ["two lengths", "Content-Length: 2\r\nContent-Length: 3\r\n\r\n", 0, "is given twice"],
    ["no digits", "Content-Length: \r\n\r\n", 0, "Content-Length is not a number"],
    ["a sign", "Content-Length: -2\r\n\r\n", 0, "Content-Length is not a number"],
    ["a list", "Content-Length: 2, 2\r\n\r\n", 0, "Content-Length is not a number"],
    ["hexadecimal", "Content-Length: 0x2\r\n\r\n", 0, "Content-Length is not a number"],
  ])("calls %s malformed, as soon as it is here", (_, wire, offset, message) => {
    const failure = failureIn(wire);
    expect(failure).toMatchObject({ code: "malformed", offset });
    expect(failure?.message).toContain(message);
    const asked = failure?.message.includes("is other output, for example a log");
    expect(asked).toBe(message.startsWith("byte"));
  });

  it("keeps its limits", () => {
    expect(failureIn("Content-Length: 9007199254740993\r\n\r\n")?.code).toBe("too-long");
    expect(failureIn("Content-Length: 80\r\n\r\n", { maxFrame: 100 })?.message).toBe(
      "frame of 102 bytes exceeds maxFrame 100",
    );
    expect(failureIn(`X: ${"x".repeat(80)}`, { maxHeader: 50 })).toEqual({
      code: "too-long",
      offset: 0,
      message: "header does not end within the 50 bytes of maxHeader",
    });
    expect(failureIn(`X: ${"x".repeat(9000)}`)?.message).toContain("8192 bytes of maxHeader");
    const exact = "Content-Length: 0\r\n\r\n";
    expect(failureIn(exact, { maxHeader: exact.length })).toBeUndefined();
    expect(failureIn(exact, { maxHeader: exact.length - 1 })?.code).toBe("too-long");
    const short = contentLength({ maxHeader: 20 }).wrap(raw());
    expect(failureOf(() => encodeFrame(short, new Uint8Array(9)))?.code).toBe("unencodable");
    for (const options of [{ maxHeader: 3 }, { maxFrame: 4 }, { maxHeader: 0.5 }]) {
      expect(() => contentLength(options)).toThrow(RangeError);
    }
    expect(() => contentLength({ maxheader: 3 } as object)).toThrow(/use maxFrame, maxHeader/);
  });

  it("is text if the payload is, and describes its layout", () => {
    expect(contentLength().wrap(json()).text).toBe(true);
    expect(contentLength().wrap(raw()).text).toBe(false);
    expect(contentLength().layout).toEqual([
      { name: "header", kind: "header", size: "rest", lengthIn: "Content-Length" },
      { name: "end", kind: "delimiter", size: 4, bytes: ascii("\r\n\r\n") },
      { name: "payload", kind: "payload", size: "rest" },
    ]);
  });

  it("looks at no byte twice", () => {
    const scan = newScan();
    const bytes = ascii("Content-Length: 2\r\n\r\nhi");
    expect(contentLength().measure(bytes, 0, 18, scan)).toBe(0);
    expect([scan.at, scan.state]).toEqual([18, 2]);
    expect(decodeAll(protocol, bytes)).toEqual(["hi"]);
  });
});
