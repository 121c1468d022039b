import { describe, expect, it } from "vitest";
import { Decoder } from "../../../src/core/decoder.ts";
import { lines, utf8 } from "../../../src/index.ts";

const protocol = lines().wrap(utf8());
const ascii = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(s, (c) => c.charCodeAt(0));

describe("a decoder", () => {
  it("returns each available value, then none", () => {
    const decoder = new Decoder(protocol);
    decoder.push(ascii("a\nb\nc"));
    expect([decoder.next(), decoder.value]).toEqual([true, "a"]);
    expect([decoder.next(), decoder.value]).toEqual([true, "b"]);
    expect([decoder.next(), decoder.value]).toEqual([false, undefined]);
  });

  it("returns all available values as one batch, then none", () => {
    const decoder = new Decoder(protocol, { batch: true });
    decoder.push(ascii("a\nb\nc"));
    expect([decoder.next(), decoder.value]).toEqual([true, ["a", "b"]]);
    expect([decoder.next(), decoder.value]).toEqual([false, undefined]);
    decoder.push(ascii("\n"));
    expect([decoder.next(), decoder.value]).toEqual([true, ["c"]]);
    decoder.finish();
    expect([decoder.next(), decoder.value]).toEqual([false, undefined]);
  });

  it("returns the batch before an error, then throws the error each time", () => {
    const decoder = new Decoder(protocol, { batch: true });
    decoder.push(Uint8Array.of(0x61, 0x0a, 0xff, 0x0a));
    expect([decoder.next(), decoder.value]).toEqual([true, ["a"]]);
    for (let i = 0; i < 2; i++) expect(() => decoder.next()).toThrow("does not continue as UTF-8");
  });
});
