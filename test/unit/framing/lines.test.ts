import { describe, expect, it } from "vitest";
import { newScan } from "../../../src/core/index.ts";
import { decodeAll, encodeFrame, type LinesOptions, lines, raw, utf8 } from "../../../src/index.ts";
import { ascii, everySize, failureOf, readAll, text } from "../../support/chunks.ts";

const strict = lines().wrap(utf8());

/** The lines of a stream and its error, in pieces of any size; all must be equal. */
function read(options: LinesOptions, stream: string): string[] {
  const framing = lines(options);
  const whole = readAll(framing, [ascii(stream)]);
  for (let size = 1; size < stream.length; size++) {
    expect(readAll(framing, everySize(ascii(stream), size))).toEqual(whole);
  }
  const protocol = framing.wrap(utf8());
  const found = whole.frames.map((frame) => protocol.decode(frame, 0, frame.length));
  if (whole.failure === undefined) expect(decodeAll(protocol, ascii(stream))).toEqual(found);
  else found.push(`<${whole.failure.code} at ${whole.failure.offset}>`);
  return found;
}

describe("lines", () => {
  it("reads LF and CRLF, and writes LF", () => {
    expect(read({}, "a\nb\r\n\n\r\nc\rd\r\n")).toEqual(["a", "b", "", "", "c\rd"]);
    expect(text(encodeFrame(strict, "a\rb"))).toBe("a\rb\n");
  });

  it.each<[string, string]>([
    ["a\nb", "the payload of 3 bytes holds a delimiter"],
    ["\n", "the payload of 1 bytes holds a delimiter"],
    ["a\r\n", "the payload of 3 bytes holds a delimiter"],
    ["a\r", "the end of the payload of 2 bytes would become part of the delimiter"],
    ["\r", "the end of the payload of 1 bytes would become part of the delimiter"],
  ])("refuses %j and says why", (line, message) => {
    const failure = failureOf(() => encodeFrame(strict, line));
    expect(failure).toEqual({ code: "unencodable", offset: undefined, message });
  });

  it.each(["\r\r\n", "a\r\r\n", "a\r\r\r\n"])(
    "refuses to read %j, which it could not write",
    (line) => {
      const failure = failureOf(() => decodeAll(strict, ascii(line)));
      expect(failure).toMatchObject({ code: "malformed", offset: line.length - 2 });
      expect(failure?.message).toMatch(/ends in 0d, which would become part of the delimiter/);
      const last = lines({ last: "accept" }).wrap(utf8());
      expect(failureOf(() => decodeAll(last, ascii("a\r\r")))?.code).toBe("malformed");
      const crlf = lines({ ending: "\r\n" }).wrap(utf8());
      const [value] = decodeAll(crlf, ascii(line));
      expect(text(encodeFrame(crlf, value!))).toBe(line);
    },
  );

  it("counts the line end in its limit", () => {
    const short = lines({ maxFrame: 3 }).wrap(utf8());
    expect(decodeAll(short, ascii("ab\na\r\n"))).toEqual(["ab", "a"]);
    expect(failureOf(() => decodeAll(short, ascii("ab\r\n")))).toMatchObject({ code: "too-long" });
    expect(text(encodeFrame(short, "ab"))).toBe("ab\n");
    expect(failureOf(() => encodeFrame(short, "abc"))).toMatchObject({ code: "unencodable" });
  });

  it("is text if the payload is", () => {
    expect(strict.text).toBe(true);
    expect(lines().wrap(raw()).text).toBe(false);
    expect(strict.name).toBe("lines");
  });

  it("tells its layout, the line end that is written first", () => {
    const layout = (ending: "\n" | "\r\n", other: string) => [
      { name: "payload", kind: "payload", size: "rest" },
      {
        name: "delimiter",
        kind: "delimiter",
        size: ending.length,
        oneOf: [ascii(ending), ascii(other)],
      },
    ];
    expect(lines().layout).toEqual(layout("\n", "\r\n"));
    expect(lines({ ending: "\r\n" }).layout).toEqual(layout("\r\n", "\n"));
  });

  it.each<[string, object, RegExp]>([
    ["an unknown option", { skipempty: true }, /no option "skipempty"; use .*skipEmpty/],
    ["an unknown last", { last: "drop" }, /last must be "error" or "accept"/],
    ["CR as an ending", { ending: "\r" }, /ending must be "\\n" or "\\r\\n"/],
    ["an invalid limit", { maxFrame: 0 }, /maxFrame/],
  ])("refuses %s", (_, options, message) => {
    expect(() => lines(options)).toThrow(message);
  });
});

describe("lines with the ending CRLF", () => {
  const protocol = lines({ ending: "\r\n" }).wrap(utf8());

  it("writes CRLF and reads both", () => {
    expect(text(encodeFrame(protocol, "a"))).toBe("a\r\n");
    expect(read({ ending: "\r\n" }, "a\r\nb\nc\r\n")).toEqual(["a", "b", "c"]);
  });

  it("writes a CR at the end of a line, which is read back", () => {
    expect(decodeAll(protocol, encodeFrame(protocol, "a\r"))).toEqual(["a\r"]);
    expect(failureOf(() => encodeFrame(protocol, "a\n"))?.code).toBe("unencodable");
  });
});

describe("lines that accept the last one without an end", () => {
  const last = "accept";

  it.each<[string, string[]]>([
    ["a\nb", ["a", "b"]],
    ["a\nb\n", ["a", "b"]],
    ["a\r\nb\r", ["a", "b"]],
    ["\r", [""]],
    ["a\n\r", ["a", ""]],
    ["", []],
  ])("reads %j as %j", (stream, expected) => {
    expect(read({ last }, stream)).toEqual(expected);
  });

  it("are strict by default", () => {
    expect(read({}, "a\nb")).toEqual(["a", "<truncated at 2>"]);
  });

  it("are too long at maxFrame bytes without an end, whenever the input ends", () => {
    expect(read({ last, maxFrame: 4 }, "ab\nabc")).toEqual(["ab", "abc"]);
    expect(read({ last, maxFrame: 4 }, "ab\nabcd")).toEqual(["ab", "<too-long at 3>"]);
    const protocol = lines({ last, maxFrame: 4 }).wrap(utf8());
    expect(failureOf(() => decodeAll(protocol, ascii("abcd")))?.code).toBe("too-long");
    expect(decodeAll(protocol, ascii("abc"))).toEqual(["abc"]);
  });
});

describe("lines that skip empty ones", () => {
  const skipEmpty = true;

  it.each<[string, string[]]>([
    ["\n\r\na\n\n\n\r\nb\r\n\n", ["a", "b"]],
    ["\n", []],
    [" \n\t\n", [" ", "\t"]],
    ["a\n\r", ["a", "<truncated at 2>"]],
  ])("reads %j as %j", (stream, expected) => {
    expect(read({ skipEmpty }, stream)).toEqual(expected);
  });

  it("skips an empty last line too", () => {
    expect(read({ skipEmpty, last: "accept" }, "a\n\r\n\r")).toEqual(["a"]);
    expect(read({ skipEmpty, last: "accept" }, "a\n\nb")).toEqual(["a", "b"]);
  });

  it("skips all that are here at once, and looks no further", () => {
    const bytes = ascii("\n\r\n\n\rab\n");
    expect(lines({ skipEmpty }).measure(bytes, 0, bytes.length, newScan())).toBe(-4);
    expect(lines({ skipEmpty }).measure(bytes, 0, 2, newScan())).toBe(-1);
    expect(lines({ skipEmpty }).measure(bytes, 0, 3, newScan())).toBe(-3);
  });

  it("refuses to write an empty one", () => {
    const failure = failureOf(() => encodeFrame(lines({ skipEmpty }).wrap(utf8()), ""));
    expect(failure?.message).toBe("an empty payload would be skipped");
  });
});
