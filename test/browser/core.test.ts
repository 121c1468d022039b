import { describe, expect, it } from "vitest";
import { decoder, encoder, isWellFormed, searchByte, timers } from "../../src/core/host.ts";

// The unit tests of the core again, on another engine's host: another TextDecoder and TextEncoder, no Buffer.
// (Tests in test/laws run here by themselves.)
import "../unit/core/bytes.test.ts";
import "../unit/core/codecs.test.ts";
import "../unit/core/frames.test.ts";
import "../unit/core/output-memory.test.ts";
import "../unit/core/output.test.ts";
import "../unit/core/protocol.test.ts";
import "../unit/core/search.test.ts";
import "../unit/core/splitter.test.ts";
import "../unit/core/utf8.test.ts";
import "../unit/framing/delimited.test.ts";
import "../unit/framing/fixed.test.ts";
import "../unit/framing/length-prefixed.test.ts";
import "../unit/framing/netstring.test.ts";
import "../unit/framing/varint-prefixed.test.ts";
import "../unit/framing/framing.test.ts";

describe("in a browser", () => {
  it("the core finds what a page has", () => {
    expect("Buffer" in globalThis).toBe(false);
    expect(decoder?.fatal).toBe(true);
    expect(encoder).toBeDefined();
    expect(isWellFormed?.("\ud800")).toBe(false);
    expect(timers).toBeDefined();
    expect(searchByte(Uint8Array.of(1, 2, 3), 2, 0)).toBe(1);
  });
});
