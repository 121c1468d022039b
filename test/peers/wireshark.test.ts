import { brotliCompressSync, deflateSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import {
  encodeAll,
  encodeFrame,
  lengthPrefixed,
  lines,
  type Protocol,
  perMessage,
  utf8,
} from "framewright";
import { fastway } from "framewright/fastway";
import { type Field, i16be, struct, utf8 as utf8Field } from "framewright/fields";
import { batch, bilibili, goim } from "framewright/goim";
import { dissector, explain } from "framewright/inspect";
import { mutated, valuesOf } from "framewright/testing";
import { describe, expect, it } from "vitest";
import { captureOf, type Said } from "../support/captures.ts";
import { dns, fastwayCommands, goimPackets, modbus, mqtt, tlvs } from "../support/formats.ts";
import { lacks } from "../support/programs.ts";
import { described, RandomFields } from "../support/random-fields.ts";
import {
  cutCapture,
  differences,
  dissected,
  type Expected,
  expectedOf,
  type ShownFrame,
  segments,
  tshark,
} from "../support/wireshark.ts";
import { READY } from "../unit/trust/ready.ts";

// Generated dissectors in the real tshark: its output is compared with `explain`, value by value.
// Other tests compare `explain` with `decode`.

type Any = Protocol<never, unknown>;

/** Frames of a protocol in their own conversation. */
interface Talk {
  readonly name: string;
  readonly protocol: Any;
  readonly frames: readonly Uint8Array[];
}

/** Returns what tshark shows of each conversation. */
async function shownIn(
  talks: readonly Talk[],
  size: number,
): Promise<readonly (readonly ShownFrame[])[]> {
  const scripts = talks.map(({ protocol }, n) => dissector(protocol, { name: `fw_${n}` }));
  const said: Said[] = [];
  const args: string[] = [];
  talks.forEach(({ frames }, n) => {
    const port = 10_000 + n;
    said.push(...segments({ client: Buffer.concat(frames), port }, size));
    args.push("-d", `tcp.port==${port},fw_${n}`);
  });
  const found = await dissected({ scripts, capture: captureOf(said), args });
  return talks.map((_, n) => found.get(`fw_${n}`)!);
}

/** Checks that every frame and every value is shown. Returns the number of compared values. */
function compare({ name, protocol, frames }: Talk, shown: readonly ShownFrame[]): number {
  let count = 0;
  expect(shown.length, `${name}: frames`).toBe(frames.length);
  frames.forEach((frame, i) => {
    const { fields, faults } = shown[i]!;
    const part = explain(protocol, frame);
    const expected = name.startsWith("sproto")
      ? withoutSchema(frame)
      : name === "linkJson"
        ? line(frame)
        : expectedOf(part, frame);
    const hex = hexOf(frame);
    expect(faults, `${name}: ${hex}`).toEqual([]);
    expect(differences(fields, expected, 0), `${name}: ${hex}`).toEqual([]);
    count += expected.length;
  });
  return count;
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Values that `explain` shows in full: text and its end. */
const line = (frame: Uint8Array): Expected[] => [
  { name: "payload", at: 0, hex: hexOf(frame.subarray(0, -1)) },
  { name: "delimiter", at: frame.length - 1, hex: "0a" },
];

/** A 16-bit length, and bytes whose schema the dissector does not have. */
const withoutSchema = (frame: Uint8Array): Expected[] => [
  { name: "length", at: 0, hex: hexOf(frame.subarray(0, 2)), show: String(frame.length - 2) },
  { name: "payload", at: 2, hex: hexOf(frame.subarray(2)) },
];

const SEEDS = 60;

describe.skipIf(lacks({ tshark: "tshark" }))("dissectors in tshark", { timeout: 300_000 }, () => {
  it(`show every value of ${SEEDS} random descriptions, cut into 13 bytes`, async () => {
    const talks: Talk[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const field = new RandomFields(seed).any() as Field<never, unknown>;
      const protocol = lengthPrefixed({ width: 2 }).wrap(field);
      const frames = valuesFor(field, seed).map((value) => encodeFrame(protocol, value));
      talks.push({ name: `seed ${seed}: ${described(field)}`, protocol, frames });
    }
    const shown = await shownIn(talks, 13);
    const compared = talks.map((talk, n) => compare(talk, shown[n]!));
    expect(compared.reduce((sum, count) => sum + count)).toBeGreaterThan(2000);
  });

  it("report the same errors as decode, with its words", async () => {
    const talks: Talk[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const field = new RandomFields(seed).any() as Field<never, unknown>;
      const protocol = lengthPrefixed({ width: 2 }).wrap(field);
      const frames = valuesFor(field, seed).flatMap((value) => {
        const payload = encodeFrame(protocol, value).subarray(2);
        return fc
          .sample(mutated(payload), { numRuns: 3, seed })
          .map((bad) => Uint8Array.of(bad.length >> 8, bad.length & 255, ...bad));
      });
      talks.push({ name: `seed ${seed}: ${described(field)}`, protocol, frames });
    }
    const shown = await shownIn(talks, 1000);
    let [bad, inJavaScript, compared] = [0, 0, 0];
    talks.forEach(({ name, protocol, frames }, n) => {
      expect(shown[n]!.length, name).toBe(frames.length);
      frames.forEach((frame, i) => {
        const { error } = explain(protocol, frame);
        const { faults } = shown[n]![i]!;
        const where = `${name}: ${hexOf(frame)}`;
        // Checksums, mappings and checks are JavaScript functions.
        if (
          error !== undefined &&
          /: expected (?!byte )\S+ -?\d+|must be|half: |reversed: /.test(error.message)
        ) {
          inJavaScript++;
          return;
        }
        expect(faults.length, `${where}: ${error?.message}`).toBe(error === undefined ? 0 : 1);
        if (error === undefined) return;
        bad++;
        if (!/\d{16}|e\+/.test(error.message)) {
          expect(faults[0], where).toBe(error.message);
          compared++;
        }
      });
    });
    expect(bad).toBeGreaterThan(300);
    expect(compared).toBeGreaterThan(0.9 * bad);
    expect(inJavaScript).toBeLessThan(bad / 4);
  });

  const streams = [goimPackets, fastwayCommands, modbus, mqtt, dns, tlvs] as readonly unknown[];
  it.each([1, 13, 1000])("show described protocols in segments of %i bytes", async (size) => {
    const talks = (streams as readonly (Any & { readonly field: Field<never, unknown> })[]).map(
      (protocol): Talk => ({
        name: protocol.name,
        protocol,
        frames: valuesFor(protocol.field, 7).map((value) => encodeFrame(protocol, value).slice()),
      }),
    );
    const shown = await shownIn(talks, size);
    for (const [n, talk] of talks.entries()) {
      expect(compare(talk, shown[n]!), talk.name).toBeGreaterThan(talk.frames.length);
    }
  });

  it.each([13, 1000])("show every built-in protocol in segments of %i bytes", async (size) => {
    const talks: Talk[] = [];
    for (const { name, protocol, values } of READY) {
      // A user's codec consists only of functions, and so does the header of `headed`.
      if (!("measure" in protocol) || ["a codec of the user's", "headed"].includes(name)) continue;
      const frames = values.map((value) => encodeFrame(protocol, value as never).slice());
      talks.push({ name, protocol: protocol as Any, frames: [...frames, ...frames] });
    }
    expect(talks.length).toBeGreaterThan(35);
    const shown = await shownIn(talks, size);
    for (const [n, talk] of talks.entries()) {
      expect(compare(talk, shown[n]!), talk.name).toBeGreaterThan(0);
    }
  });

  it("show Bilibili's zlib bodies, and report bodies that they cannot decompress", async () => {
    const protocol = bilibili({ inflate: (_, packed) => inflateSync(packed) });
    const cmds = ["DANMU_MSG", "LIKE"];
    const inner = encodeAll(
      protocol,
      cmds.map((cmd) => ({ type: "message", ver: 0, body: { cmd } }) as const),
    );
    const message = (ver: number, body: Uint8Array): Uint8Array =>
      encodeFrame(goim(), { ver, op: 5, seq: 0, body });
    const client = Buffer.concat([
      message(2, deflateSync(inner)),
      message(3, brotliCompressSync(inner)),
      message(2, inner),
      message(0, Buffer.from('{"cmd":"PLAIN"}')),
    ]);
    const found = await dissected({
      scripts: [dissector(protocol, { name: "fw_b", ports: [3101] })],
      capture: cutCapture([{ client, port: 50_000 }]),
    });
    const [packed, brotli, wrong, plain] = found.get("fw_b")!;
    const shows = (frame: ShownFrame | undefined, name: string): string[] =>
      frame!.fields.filter((field) => field.name === name).map(({ show }) => show);
    expect(shows(packed, "fw_b.body.5.unpacked.body.5")).toEqual(
      cmds.map((cmd) => JSON.stringify({ cmd })),
    );
    expect(shows(packed, "fw_b.body.5.unpacked.op")).toEqual(["5", "5"]);
    expect([packed!.faults, brotli!.faults, plain!.faults]).toEqual([[], [], []]);
    expect(wrong!.faults).toEqual([`body: ${inner.length} bytes are no zlib stream`]);
    expect(shows(plain, "fw_b.body.5")).toEqual(['{"cmd":"PLAIN"}']);
  });

  it("show the packets of a batch of goim", async () => {
    const packets = [1, 2, 3].map((seq) => ({ op: 4, seq, body: Buffer.from(`no ${seq}`) }));
    const client = encodeFrame(goim({ flatten: false }), batch(packets));
    const found = await dissected({
      scripts: [dissector(goim(), { name: "fw_goim", ports: [3101] })],
      capture: cutCapture([{ client, port: 50_000 }]),
    });
    const [frame, ...others] = found.get("fw_goim")!;
    expect([others, frame!.faults]).toEqual([[], []]);
    const seqs = frame!.fields.filter(({ name }) => name === "fw_goim.body.9.seq");
    expect(seqs.map(({ show }) => show)).toEqual(["1", "2", "3"]);
  });

  it("continue after a malformed frame, unless the next frame cannot be found", async () => {
    const good = encodeFrame(modbus, {
      transaction: 1,
      fn: "writeMultipleRegisters",
      data: { address: 1, values: [10, 258] },
    });
    const bad = good.slice();
    bad[12] = 9;
    const lost = good.slice();
    lost[2] = 1;
    const client = Buffer.concat([good, bad, good, lost, good, good]);
    for (const size of [13, 1000]) {
      const found = await dissected({
        scripts: [dissector(modbus, { name: "fw_modbus", ports: [3101] })],
        capture: cutCapture([{ client, server: good, port: 50_000 }], size),
      });
      const faults = found.get("fw_modbus")!.map((frame) => frame.faults);
      expect(faults.slice(0, 4)).toEqual([
        [],
        ['data.bytes: 9 bytes announced for "values", 4 left'],
        [],
        ["protocol: expected 0, found 256 (0x100)"],
      ]);
      // In larger segments, the next frames are in the packet that ended it. The server's direction
      // continues.
      const after = faults.slice(4);
      expect(after.at(-1)).toEqual([]);
      expect(after.slice(0, -1).every(([text]) => text?.startsWith("Not understood"))).toBe(true);
      expect(after.length).toBe(size === 13 ? 5 : 1);
    }
  });

  it("refuse frames above maxFrame without waiting for them", async () => {
    const scripts = [
      dissector(lengthPrefixed({ width: 4, maxFrame: 100 }).wrap(utf8()), { name: "fw_length" }),
      dissector(lines({ maxFrame: 20 }).wrap(utf8()), { name: "fw_lines" }),
      dissector(perMessage({ maxFrame: 20 }).wrap(utf8()), { name: "fw_message", ports: [3101] }),
    ];
    const found = await dissected({
      scripts,
      capture: cutCapture([
        { client: Uint8Array.of(0, 0, 1, 0, 65), port: 50_001 },
        { client: Buffer.from("a".repeat(30)), port: 50_002 },
      ]),
      args: ["-d", "tcp.port==50001,fw_length", "-d", "tcp.port==50002,fw_lines"],
    });
    const faults = (name: string): unknown => found.get(name)!.map((frame) => frame.faults[0]);
    expect(faults("fw_length")).toEqual(["frame of 260 bytes exceeds maxFrame 100"]);
    expect(faults("fw_lines")).toEqual([
      "frame of 27 bytes exceeds maxFrame 20",
      "Not understood: after a malformed frame",
    ]);
    const data = Buffer.from("b".repeat(21));
    const messages = await dissected({
      scripts: scripts.slice(2),
      capture: captureOf([{ from: "client", sequence: 0, data }], { transport: "udp" }),
    });
    expect(messages.get("fw_message")!.map((frame) => frame.faults)).toEqual([
      ["message of 21 bytes exceeds maxFrame 20"],
    ]);
  });

  it("show messages of datagrams, and check that they fill them", async () => {
    const point = struct({ x: i16be, name: utf8Field() });
    const text = await tshark({
      scripts: [dissector(point, { name: "fw_point", ports: [3101] })],
      capture: captureOf(
        ["0005616263", "00", "ffff41"].map((hex, n) => ({
          from: "client",
          sequence: n,
          data: Buffer.from(hex, "hex"),
        })),
        { transport: "udp", layer: "raw" },
      ),
      args: ["-T", "fields", "-e", "fw_point.x", "-e", "fw_point.name", "-e", "_ws.expert.message"],
    });
    expect(text).toBe("5\tabc\t\n\t\tx: i16be needs 2 bytes, 1 left\n-1\tA\t\n");
  });

  it("read the servers' protocol, if different", async () => {
    const script = dissector(lines().wrap(utf8()), {
      name: "fw_talk",
      title: "Talk",
      ports: [3101],
      replies: lengthPrefixed({ width: 1 }).wrap(utf8()),
    });
    const client = Buffer.from("hello\nagain\n");
    const server = Buffer.from("\x02hi\x05there", "latin1");
    const text = await tshark({
      scripts: [script],
      capture: cutCapture([{ client, server, port: 50_000 }]),
      args: ["-Y", "fw_talk", "-T", "fields", "-e", "_ws.col.Protocol"].concat(
        ["fw_talk.payload", "fw_talk.reply.payload"].flatMap((name) => ["-e", name]),
      ),
    });
    expect(text).toBe("Talk\thello,again\t\nTalk\t\thi,there\n");
  });

  it("support filters by field, and name values", async () => {
    const client = encodeAll(fastway({ dialect: "v2" }), [
      { type: "dial", remoteId: 7 },
      { type: "ping" },
      { type: "message", connId: 9, message: Buffer.from("hello") },
      { type: "accept", connId: 9, remoteId: 7 },
    ]);
    const look = {
      scripts: [dissector(fastway({ dialect: "v2" }), { name: "fw_fastway", ports: [3101] })],
      capture: cutCapture([{ client, port: 50_000 }], 1000),
    };
    const filtered = async (filter: string, ...fields: string[]): Promise<string> =>
      (
        await tshark({
          ...look,
          args: ["-Y", filter, "-T", "fields", ...fields.flatMap((name) => ["-e", name])],
        })
      ).trimEnd();
    expect(await filtered("fw_fastway.content.0.type == 1", "fw_fastway.content.0.connId")).toBe(
      "9",
    );
    expect(await filtered("fw_fastway.content.0.type == 2", "frame.number")).toBe("");
    const summary = await tshark({ ...look, args: ["-O", "fw_fastway", "-Y", "fw_fastway"] });
    expect(summary).toMatch(/type: accept \(1\)/);
    expect(await filtered("fw_fastway", "_ws.col.Info")).toBe("dial, ping, accept");
    expect(await filtered('fw_fastway.content contains "hell"', "fw_fastway.connId")).toBe(
      "0,0,9,0",
    );
  });
});

function valuesFor(field: Field<never, unknown>, seed: number): never[] {
  return fc.sample(valuesOf(field as Field<unknown>, { max: 60 }), { numRuns: 5, seed }) as never[];
}
