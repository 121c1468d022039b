import { describe, expect, it } from "vitest";
import { type HeadedOptions, headed } from "../../../src/framing/index.ts";
import {
  decodeAll,
  decodeFrame,
  decodeUtf8,
  defineProtocol,
  encodeFrame,
  ProtocolError,
  raw,
  utf8,
} from "../../../src/index.ts";
import { ascii, everySize, failureOf, readAll, text } from "../../support/chunks.ts";

const send: HeadedOptions = {
  end: "\r\n",
  length: (header) => Number(/^SEND (\d+)$/.exec(header)?.[1]),
  write: (length) => `SEND ${length}`,
};

describe("headed", () => {
  const protocol = headed(send).wrap(utf8());

  it("writes and reads a header that tells the length", () => {
    expect(text(encodeFrame(protocol, "hello"))).toBe("SEND 5\r\nhello");
    const wire = "SEND 5\r\nhelloSEND 0\r\nSEND 2\r\nyo";
    expect(decodeAll(protocol, ascii(wire))).toEqual(["hello", "", "yo"]);
    for (let size = 1; size < wire.length; size++) {
      const { frames, failure } = readAll(protocol, everySize(ascii(wire), size));
      expect(frames.map(text)).toEqual(["SEND 5\r\nhello", "SEND 0\r\n", "SEND 2\r\nyo"]);
      expect(failure).toBeUndefined();
    }
  });

  it("ends at an empty line by default; the header is Latin-1", () => {
    const seen: string[] = [];
    const framing = headed({
      length: (header) => {
        seen.push(header);
        return 1;
      },
      write: () => "é: ÿ",
    });
    expect(text(encodeFrame(framing.wrap(raw()), ascii("x")))).toBe("\xe9: \xff\r\n\r\nx");
    expect(decodeFrame(framing.wrap(utf8()), ascii("\xe9\r\n\xff\r\n\r\nx"))).toBe("x");
    expect(seen.at(-1)).toBe("é\r\nÿ");
  });

  it("asks for the length once for each frame", () => {
    let asked = 0;
    const framing = headed({ ...send, length: (header) => send.length(header) + 0 * asked++ });
    readAll(framing, everySize(ascii("SEND 5\r\nhello"), 1));
    expect(asked).toBe(1);
  });

  it.each<[string, () => number, string]>([
    ["NaN", () => Number.NaN, "payload of NaN bytes"],
    ["a negative number", () => -1, "payload of -1 bytes"],
    ["a fraction", () => 0.5, "2.5 is not a valid frame length"],
    ["a string", () => "5" as never, "25 exceeds"],
    [
      "an error",
      () => {
        throw new Error("no size");
      },
      "measure failed: no size",
    ],
    [
      "a ProtocolError",
      () => {
        throw new ProtocolError("malformed", "what is this?", 0);
      },
      "what is this?",
    ],
  ])("calls a header malformed whose length is %s", (_, length, message) => {
    const framing = headed({ end: "|;", length, maxFrame: 20 });
    const failure = readAll(framing, [ascii("|;")]).failure;
    if (message === "25 exceeds") expect(failure?.code).toBe("malformed");
    else
      expect(failure).toMatchObject({
        code: "malformed",
        message: expect.stringContaining(message),
      });
  });

  it("refuses to write a header that would be read differently", () => {
    const wrong = [
      { ...send, write: (length: number) => `SEND ${length + 1}` },
      { ...send, write: (length: number) => `SEND ${length}\r\n` },
      { ...send, write: () => "WHAT" },
    ];
    for (const options of wrong) {
      const failure = failureOf(() => encodeFrame(headed(options).wrap(utf8()), "hello"));
      expect(["unencodable", "malformed"]).toContain(failure?.code);
    }
    expect(() => encodeFrame(headed({ length: () => 0 }).wrap(utf8()), "a")).toThrow(
      "headed: writing needs the option write",
    );
  });

  it.each<[string, object, RegExp]>([
    ["no length", { write: () => "" }, /length must be a function/],
    ["an empty end", { ...send, end: "" }, /end is empty/],
    ["an unknown option", { ...send, delimiter: "\n" }, /no option "delimiter"; use end, length/],
    ["a limit without room", { ...send, maxFrame: 2 }, /maxFrame/],
  ])("refuses %s", (_, options, message) => {
    expect(() => headed(options as HeadedOptions)).toThrow(message);
  });
});

describe("a codec that sees the header: STOMP-like frames", () => {
  const framing = headed({
    end: "\n\n",
    length: (header) => Number(/^content-length:(\d+)$/m.exec(header)?.[1] ?? 0),
  });
  const stomp = defineProtocol<{ head: string; body: string }>({
    ...framing,
    name: "stomp",
    decode(bytes, start, end) {
      const at = framing.payloadStart(bytes, start, end);
      return { head: decodeUtf8(bytes, start, at - 2), body: decodeUtf8(bytes, at, end) };
    },
    encode: ({ head, body }, out) => void out.utf8(`${head}\n\n${body}`),
  });

  it("is read whole", () => {
    const value = { head: "MESSAGE\ncontent-length:2", body: "hi" };
    expect(decodeFrame(stomp, encodeFrame(stomp, value))).toEqual(value);
  });
});
