import { describe, expect, it } from "vitest";
import { Decoder } from "../../../src/core/index.ts";
import {
  concatenatedJson,
  contentLength,
  decimalPrefixed,
  skip,
} from "../../../src/framing/index.ts";
import {
  decodeAll,
  defineProtocol,
  type Framing,
  fixed,
  lengthPrefixed,
  lines,
  netstring,
  raw,
  Splitter,
  utf8,
  varintPrefixed,
} from "../../../src/index.ts";
import { goim } from "../../../src/protocols/goim/index.ts";
import { ascii, failureOf, readAll } from "../../support/chunks.ts";

const messageOf = (framing: Framing, wire: string): string | undefined =>
  readAll(framing, [ascii(wire)]).failure?.message;

const u32 = lengthPrefixed({ width: 4 });
const get = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";

describe("an error of a framing", () => {
  it.each<[string, Framing, string, string]>([
    [
      "HTTP on a port with u32 lengths",
      u32,
      get,
      "frame of 1195725860 bytes exceeds maxFrame 1048576; these bytes look like an HTTP request",
    ],
    ["an upload", u32, "POST /a HTTP/1.1\r\n", "an HTTP request"],
    ["a preflight request", u32, "OPTIONS * HTTP/1.1\r\n", "an HTTP request"],
    ["a proxy's client", u32, "CONNECT a:443 HTTP/1.1\r\n", "an HTTP request"],
    ["an answer", u32, "HTTP/1.1 200 OK\r\n", "an HTTP response"],
    ["SSH", u32, "SSH-2.0-OpenSSH_9.2\r\n", "SSH"],
    ["TLS", u32, "\x16\x03\x01\x02\0\x01\0\x01\xfc", "a TLS handshake"],
    ["HTTP on a port with netstrings", netstring(), get, "an HTTP request"],
    ["HTTP on a port with JSON", concatenatedJson(), get, "an HTTP request"],
    ["HTTP on a port with headers", contentLength(), get, "an HTTP request"],
    ["HTTP on goim's port", goim(), get, "an HTTP request"],
    ["HTTP where a frame has begun", u32, `\0\0\0\x01a${get}`, "an HTTP request"],
  ])("names %s", (_, framing, wire, hint) => {
    expect(messageOf(framing, wire)).toMatch(/; these bytes look like /);
    expect(messageOf(framing, wire)).toContain(hint);
  });

  it("names them for framings without a length too, but not in a bare Splitter", () => {
    const tls = "\x16\x03\x01\x02\0\x01\0\x01\xfc";
    const framing = lines({ maxFrame: 9 });
    expect(messageOf(framing, tls)).not.toContain(";");
    const failure = failureOf(() => decodeAll(framing.wrap(utf8()), ascii(tls)));
    expect(failure?.message).toContain("; these bytes look like a TLS handshake");
    const stream = new Decoder(framing.wrap(utf8()));
    stream.push(ascii(tls));
    const failed = failureOf(() => stream.next());
    expect(failed?.message).toContain("; these bytes look like a TLS handshake");
  });

  it("appears once if a policy fails", () => {
    const protocol = u32.wrap(raw());
    const options = { onInvalid: skip({ most: 1 }) };
    const expected =
      "frame of 1195725860 bytes exceeds maxFrame 1048576; these bytes look like an HTTP request; " +
      "more bytes in a row are bad than `most` (1) allows: raise it to skip them";
    expect(failureOf(() => decodeAll(protocol, ascii(get), options))?.message).toBe(expected);
    const splitter = new Splitter(u32, options);
    splitter.push(ascii(get));
    expect(failureOf(() => splitter.next())?.message).toBe(expected);
  });

  it.each<[string, Framing, string, string]>([
    ["le for be", u32, "\x05\0\0\0hello", "in the other byte order it would have 9"],
    ["be for le", lengthPrefixed({ width: 4, endian: "le" }), "\0\0\0\x05hello", "it would have 9"],
    [
      "after a header",
      lengthPrefixed({ width: 2, offset: 3, counts: "frame", maxFrame: 100 }),
      "abc\x0a\0",
      "it would have 10",
    ],
  ])("names the other byte order: %s", (_, framing, wire, hint) => {
    expect(messageOf(framing, wire)).toContain(hint);
    const codec = defineProtocol({ ...framing, name: "mine", decode: () => 0, encode() {} });
    expect(failureOf(() => decodeAll(codec, ascii(wire)))?.message).toContain(hint);
  });

  it("names the other byte order up to a frame of maxFrame, and from a frame without payload", () => {
    const framing = (maxFrame: number) => lengthPrefixed({ width: 2, maxFrame });
    expect(messageOf(framing(0x107), "\x05\x01")).toContain("it would have 263");
    expect(messageOf(framing(0x106), "\x05\x01")).not.toContain(";");
    const counted = (maxFrame: number) => lengthPrefixed({ width: 2, counts: "frame", maxFrame });
    expect(messageOf(counted(9), "\x02\0")).toContain("it would have 2");
    expect(messageOf(counted(9), "\x01\x00")).not.toContain(";");
  });

  it.each<[string, Framing, string]>([
    ["neither order is a length", u32, "\x7f\0\0\x7f"],
    [
      "the other order is below the header",
      lengthPrefixed({ width: 4, counts: "frame" }),
      "\x03\0\0\0",
    ],
    ["there is one byte", lengthPrefixed({ width: 1, maxFrame: 9 }), "\x7f"],
    ["the length is no number of bytes", varintPrefixed({ maxFrame: 9 }), "\x7f"],
    ["the length is in digits", decimalPrefixed({ digits: 4, maxFrame: 9 }), "5000"],
    ["there is no length", lines({ maxFrame: 4 }), "GETTING"],
    ["the bytes only begin like HTTP", lines({ maxFrame: 4 }), "HTTPS"],
    ["the input is cut", fixed(9), "GET / HT"],
  ])("says no more where %s", (_, framing, wire) => {
    expect(messageOf(framing, wire)).not.toContain(";");
  });

  it("keeps its code, place, cause and stack", () => {
    const cause = new Error("why");
    const failing: Framing = {
      maxFrame: 99,
      measure() {
        throw cause;
      },
    };
    const protocol = defineProtocol({ ...failing, name: "f", ...raw() });
    try {
      decodeAll(protocol, ascii(get));
      throw new Error("it did not fail");
    } catch (error) {
      expect(error).toMatchObject({ code: "malformed", offset: 0, cause });
      expect((error as Error).stack).toContain("hints.test.ts");
      expect((error as Error).stack).toContain("these bytes look like an HTTP request");
    }
  });

  it("does not change an error that a framing throws again and again", () => {
    const shared = failureOf(() => decodeAll(netstring().wrap(utf8()), ascii("x")));
    expect(shared?.message).toBe("byte 120 at digit 0 of a length");
  });
});
