import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { execute } from "../../../src/cli/run.ts";
import { type CaptureForm, captureOf, type Said } from "../../support/captures.ts";

const files = mkdtempSync(join(tmpdir(), "framewright-"));
afterAll(() => rmSync(files, { recursive: true, force: true }));

async function decode(
  capture: Uint8Array,
  ...args: string[]
): Promise<{ code: number; out: string; errors: string; lines: Record<string, unknown>[] }> {
  const path = join(files, "capture");
  writeFileSync(path, capture);
  let [out, errors] = ["", ""];
  const code = await execute(["decode", path, "--protocol", "lines+utf8", ...args], {
    out: { write: (text) => (out += text) },
    errors: { write: (text) => (errors += text) },
  });
  const lines = args.includes("--json")
    ? out
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line))
    : [];
  return { code, out, errors: errors.replace(/^.*is read as pcap.*\n/, ""), lines };
}

const talk: readonly Said[] = [
  { from: "client", sequence: 999, flags: "S" },
  { from: "server", sequence: 4999, flags: "SA" },
  { from: "client", sequence: 1000, flags: "A" },
  { from: "client", sequence: 1000, data: "hel" },
  { from: "client", sequence: 1003, data: "lo\nwor" },
  { from: "server", sequence: 5000, data: "yes\n", time: 1_700_000_005.25 },
  { from: "client", sequence: 1009, data: "ld\n", flags: "FPA" },
  { from: "server", sequence: 5004, flags: "FA" },
];
const values = (lines: Record<string, unknown>[]): unknown[] => lines.map(({ value }) => value);

describe("framewright decode of captures", () => {
  it("names a wrong length, even if the next frame comes in a later packet", async () => {
    const client = (sequence: number, bytes: number[]): Said => ({
      from: "client",
      sequence,
      data: Uint8Array.from(bytes),
    });
    const said: Said[] = [
      { from: "client", sequence: 999, flags: "S" },
      client(1000, [0xca, 0xfe, 1, 0x31]),
      // A length of 3 in place of 1.
      client(1004, [0xca, 0xfe, 3, 0x32, 0xca, 0xfe]),
      client(1010, [1, 0x33]),
      { from: "server", sequence: 5000, data: Uint8Array.of(0xca, 0xfe, 1, 0x34) },
    ];
    const protocol = "length:width=1,header=cafe+json";
    const { code, errors, lines } = await decode(captureOf(said), "--json", "--protocol", protocol);
    expect(code).toBe(1);
    expect(lines.filter(({ value }) => value !== undefined)).toHaveLength(2);
    expect(errors).toBe(
      "framewright: stream 1, 10.0.0.1:50000 to 10.0.0.2:3101: the mark cafe occurs again at 0x8, inside this frame: " +
        "its length (at 0x6, 1 byte) may be 2 bytes too large\n",
    );
  });

  it("refuses --resync", async () => {
    const args = ["--protocol", "length:width=2,header=cafe+json", "--resync"];
    const { code, errors } = await decode(captureOf(talk, {}), ...args);
    expect(code).toBe(2);
    expect(errors).toContain("--resync does not work with captures");
  });

  const forms: CaptureForm[] = [
    {},
    { format: "big" },
    { format: "nanoseconds" },
    { format: "pcapng" },
    { layer: "vlan" },
    { layer: "loopback" },
    { layer: "loopback", version: 6 },
    { layer: "cooked" },
    { layer: "cooked2", version: 6 },
    { layer: "raw" },
    { layer: "raw", version: 6, format: "pcapng" },
    { layer: "ethernet", version: 6 },
  ];
  it.each(forms)("reads both directions of a stream: %j", async (form) => {
    const { code, errors, lines } = await decode(captureOf(talk, form), "--json");
    expect([code, errors]).toEqual([0, ""]);
    const [client, server] =
      form.version === 6
        ? ["[2001:db8::1]:50000", "[2001:db8::2]:3101"]
        : ["10.0.0.1:50000", "10.0.0.2:3101"];
    const up = { stream: 1, from: client, to: server };
    const down = { stream: 1, from: server, to: client };
    expect(lines).toEqual([
      { ...up, time: "2023-11-14T22:13:24.000Z", offset: 0, size: 6, value: "hello" },
      { ...down, time: "2023-11-14T22:13:25.250Z", offset: 0, size: 4, value: "yes" },
      { ...up, time: "2023-11-14T22:13:26.000Z", offset: 6, size: 6, value: "world" },
    ]);
  });

  it("shows frames with their stream and time", async () => {
    const { code, out } = await decode(captureOf(talk));
    expect(code).toBe(0);
    expect(out).toContain(
      "stream 1, 10.0.0.1:50000 > 10.0.0.2:3101, 2023-11-14T22:13:24.000Z: frame 1, 6 bytes at 0x0\n",
    );
  });

  it("puts segments in order, and drops what came twice", async () => {
    const text = Array.from({ length: 40 }, (_, n) => `line ${n}`).join("\n");
    const data = `${text}\n`;
    await fc.assert(
      fc.asyncProperty(
        // Sequence numbers begin at 0 again in the middle.
        fc.constantFrom(1000, 2 ** 32 - 100, 2 ** 31 - 50),
        fc.array(fc.tuple(fc.nat(data.length - 1), fc.integer({ min: 1, max: 60 })), {
          maxLength: 20,
        }),
        fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
        async (first, extra, order) => {
          const pieces = Array.from({ length: Math.ceil(data.length / 13) }, (_, n) => [
            n * 13,
            13,
          ]);
          const said = [...pieces, ...extra]
            .map(([at = 0, length = 0], n) => ({ at, length, key: order[n % order.length]! }))
            .sort((a, b) => a.key - b.key)
            .map(
              ({ at, length }): Said => ({
                from: "client",
                sequence: first + at,
                data: data.slice(at, at + length),
              }),
            );
          const syn: Said = { from: "client", sequence: first - 1, flags: "S" };
          const { code, lines } = await decode(captureOf([syn, ...said]), "--json");
          expect(code).toBe(0);
          expect(values(lines)).toEqual(text.split("\n"));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("reports a gap and ends that direction of that stream alone", async () => {
    const other = (said: Said): Said => ({ ...said, port: 50_001 });
    const said: Said[] = [
      ...talk.slice(0, 4),
      { from: "client", sequence: 1009, data: "ld\nmore\n", flags: "FPA" },
      { from: "server", sequence: 5000, data: "yes\n", flags: "FPA" },
      ...talk.map(other),
    ];
    const { code, errors, lines } = await decode(captureOf(said), "--json");
    expect(code).toBe(1);
    expect(errors).toBe(
      "framewright: stream 1, 10.0.0.1:50000 to 10.0.0.2:3101: 6 bytes are not in the capture; it ends there\n",
    );
    expect(lines.map(({ stream, value }) => [stream, value])).toEqual([
      [1, "yes"],
      [2, "hello"],
      [2, "yes"],
      [2, "world"],
    ]);
  });

  it("keeps connections between the same ports apart, and takes a SYN twice", async () => {
    const again = talk.map((said) => ({ ...said, sequence: said.sequence + 70_000 }));
    const capture = captureOf([talk[0]!, ...talk, ...again]);
    const { lines } = await decode(capture, "--json");
    expect(lines.map(({ stream, value }) => [stream, value])).toEqual([
      ...[1, 2].flatMap((n) => ["hello", "yes", "world"].map((value) => [n, value])),
    ]);
  });

  it("tells of a frame that is cut off, and of bytes that are wrong, where they are", async () => {
    const cut = await decode(captureOf(talk.slice(0, 5)), "--json");
    expect([cut.code, cut.lines.at(-1)]).toMatchObject([
      1,
      { stream: 1, offset: 6, error: { code: "truncated" } },
    ]);
  });

  it("reads a capture that begins in the middle of a stream", async () => {
    const { lines } = await decode(captureOf(talk.slice(4)), "--json");
    expect(values(lines)).toEqual(["lo", "yes", "world"]);
    expect(lines[0]).toMatchObject({ from: "10.0.0.1:50000" });
  });

  it("takes another protocol for replies, and one port alone", async () => {
    const capture = captureOf([...talk, ...talk.map((said) => ({ ...said, port: 50_001 }))]);
    const args = ["--json", "--replies", "lines+raw", "--port", "50001"];
    const { lines } = await decode(capture, ...args);
    expect(values(lines)).toEqual(["hello", { $bytes: "796573" }, "world"]);
    const none = await decode(capture, "--json", "--port", "9");
    expect([none.code, none.errors]).toEqual([
      1,
      "framewright: the capture has no TCP segments of port 9 that can be read\n",
    ]);
  });

  it("gives each direction of each stream a state of its own", async () => {
    // Counts the lines of its connection, and refuses the third.
    const counting = join(files, "counting.mjs");
    writeFileSync(
      counting,
      `const measure = (bytes, start, end) => bytes.subarray(start, end).indexOf(10) + 1;
const perConnection = () => {
  let count = 0;
  const decode = () => {
    if (++count > 2) throw new Error("a third line");
    return { count };
  };
  return { name: "counting", maxFrame: 99, measure, decode, encode() {} };
};
export const counting = { ...perConnection(), perConnection };
`,
    );
    const protocol = ["--protocol", `${counting}#counting`];
    const twice = [...talk, ...talk.map((said) => ({ ...said, port: 50_001 }))];
    const { code, lines } = await decode(captureOf(twice), "--json", ...protocol);
    expect(code).toBe(0);
    const told = lines.map(({ stream, value }) => [stream, (value as { count: number }).count]);
    expect(told.sort()).toEqual(
      [1, 2].flatMap((stream) => [
        [stream, 1],
        [stream, 1],
        [stream, 2],
      ]),
    );
    // Bytes alone do not tell what a frame means, so the view has the decoded value.
    const shown = await decode(captureOf(talk), ...protocol);
    expect(shown.code).toBe(0);
    expect(shown.out.match(/"count":\d|error/g)).toEqual(['"count":1', '"count":1', '"count":2']);
    const more: Said = { from: "client", sequence: 1012, data: "3\n" };
    const third = await decode(
      captureOf([...talk.slice(0, 6), { ...talk[6]!, flags: "PA" }, more]),
      ...protocol,
    );
    expect(third.code).toBe(1);
    expect(third.out).toContain("error: malformed: ");
  });

  it("reads datagrams by protocols of messages", async () => {
    const said: Said[] = [
      { from: "client", sequence: 0, data: '{"a":1}' },
      { from: "server", sequence: 0, data: "no" },
      { from: "client", sequence: 0, data: "[2]" },
    ];
    const { code, lines } = await decode(
      captureOf(said, { transport: "udp" }),
      "--json",
      "--protocol",
      "json",
    );
    expect(code).toBe(1);
    expect(
      lines.map(({ from, value, error }) => [from, value ?? (error as { code: string }).code]),
    ).toEqual([
      ["10.0.0.1:50000", { a: 1 }],
      ["10.0.0.2:3101", "malformed"],
      ["10.0.0.1:50000", [2]],
    ]);
  });

  it("refuses a damaged capture in one line, whatever is wrong with it", async () => {
    const whole = captureOf(talk, { format: "pcapng" });
    for (const capture of [whole, captureOf(talk)]) {
      const { code, errors } = await decode(capture.subarray(0, capture.length - 3), "--json");
      expect([code, errors]).toEqual([
        1,
        expect.stringMatching(/^framewright: the capture is damaged: .*\n$/),
      ]);
    }
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 4, max: whole.length - 1 }), fc.nat(255))),
        async (changes) => {
          const broken = whole.slice();
          for (const [at, value] of changes) broken[at] = value;
          const { code, errors } = await decode(broken, "--json", "--input", "pcap");
          expect([0, 1, 2]).toContain(code);
          expect(errors).not.toMatch(/offset is out|undefined|NaN/i);
        },
      ),
      { numRuns: 200 },
    );
  });
});
