import { afterEach, expect, it, vi } from "vitest";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

/** The library, loaded with this environment. */
async function load(poison: string) {
  vi.stubEnv("FRAMEWRIGHT_POISON", poison);
  vi.resetModules();
  return await import("../../../src/index.ts");
}

it("a view of an output that was kept over later writes shows, with FRAMEWRIGHT_POISON=1", async () => {
  for (const [poison, seen] of [
    ["1", 0xdd],
    ["", 7],
  ] as const) {
    const { Output } = await load(poison);
    const out = new Output().u8(7);
    const moved = out.view();
    out.bytes(new Uint8Array(10_000));
    expect(moved[0]).toBe(seen);
    const cut = out.u8(7).view(out.length - 1);
    out.truncate(out.length - 1);
    expect(cut[0]).toBe(seen);
  }
});

it("taken bytes and delivered frames never change", async () => {
  const { encodeFrame, lines, Output, Splitter, utf8 } = await load("1");
  const out = new Output().u8(7);
  const taken = out.take();
  out.bytes(new Uint8Array(10_000)).truncate(0);
  expect([...taken]).toEqual([7]);
  const splitter = new Splitter(lines());
  const frames: Uint8Array[] = [];
  const words = Array.from({ length: 300 }, (_, i) => `word ${i} ${"x".repeat(i)}`);
  for (const word of words) {
    const frame = encodeFrame(lines().wrap(utf8()), word);
    for (let at = 0; at < frame.length; at += 7) {
      splitter.push(frame.slice(at, at + 7));
      while (splitter.next()) frames.push(splitter.bytes.subarray(splitter.start, splitter.end));
    }
  }
  expect(frames.map((bytes) => new TextDecoder().decode(bytes).slice(0, -1))).toEqual(words);
});
