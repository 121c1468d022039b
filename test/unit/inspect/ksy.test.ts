import fc from "fast-check";
import { encodeFrame, lines, type MessageProtocol, perMessage, utf8 } from "framewright";
import { fastway, fastwayFields } from "framewright/fastway";
import {
  align,
  array,
  bits,
  bytes,
  checksum,
  type Field,
  flags,
  i24le,
  i32be,
  mapped,
  match,
  protocolOf,
  size,
  struct,
  u8,
  u16le,
  u24be,
  u48be,
  until,
  utf8 as utf8Field,
  varint,
  whole,
} from "framewright/fields";
import { batch, goim } from "framewright/goim";
import { type Explainable, explain, ksy, type Part } from "framewright/inspect";
import { valuesOf } from "framewright/testing";
import { gatewayProtocol } from "framewright/workerman";
import { describe, expect, it } from "vitest";
import {
  dns,
  fastwayCommands,
  goimPackets,
  modbus,
  mqtt,
  rtpPacket,
  tlvs,
} from "../../support/formats.ts";
import { kaitaiParser, valuesRead } from "../../support/kaitai.ts";
import { described, RandomFields } from "../../support/random-fields.ts";

type Any = MessageProtocol<never, unknown> & { readonly field?: Field<never, unknown> };

/** The leaves that `explain` finds, as Kaitai reads them; undefined for what it reads otherwise. */
function expected(part: Part, bytes: Uint8Array): unknown[] {
  if (part.parts !== undefined) return part.parts.flatMap((one) => expected(one, bytes));
  const { value, type, note, start, end, hidden } = part;
  if (value === undefined && start === end) return [];
  if (type.startsWith("flags "))
    return Object.values(value as object)
      .map(Number)
      .reverse();
  // What is mapped, and text of what was reversed.
  if (note === "half" || note === "reversed") return [undefined];
  if (type.startsWith("enum ")) return [Number(note)];
  // Nothing, and a charset that Kaitai's JavaScript takes for Windows-1252.
  if (note === "padding" && start === end) return [];
  if (type.startsWith("latin1")) return [undefined];
  if (value instanceof Uint8Array) return [Buffer.from(bytes.subarray(start, end)).toString("hex")];
  if (hidden === true && type.endsWith("zero")) return [undefined];
  return [typeof value === "string" ? value : Number(value)];
}

async function compare(
  what: Explainable,
  name: string,
  frames: readonly Uint8Array[],
): Promise<number> {
  const parse = await kaitaiParser(ksy(what, { name }));
  let count = 0;
  for (const frame of frames) {
    const must = expected(explain(what, frame), frame);
    const is = valuesRead(parse(frame)).map((value, i) =>
      must[i] === undefined ? undefined : value,
    );
    expect(is, `${name}: ${Buffer.from(frame).toString("hex")}`).toEqual(must);
    count += must.length;
  }
  return count;
}

const valuesFor = (field: Field<never, unknown>, seed: number): never[] =>
  fc.sample(valuesOf(field as Field<unknown>, { max: 60 }), { numRuns: 8, seed }) as never[];

describe("ksy, compiled by Kaitai's compiler", { timeout: 120_000 }, () => {
  for (const protocol of [
    goimPackets,
    fastwayCommands,
    modbus,
    mqtt,
    dns,
    tlvs,
  ] as readonly unknown[] as readonly Any[]) {
    it(`${protocol.name}: reads the values that decode reads`, async () => {
      const frames = valuesFor(protocol.field!, 3).map((value) =>
        encodeFrame(protocol, value).slice(),
      );
      const read = await compare(protocol as Explainable, protocol.name, frames);
      expect(read).toBeGreaterThan(frames.length);
    });
  }

  it("reads ready protocols", async () => {
    const body = Uint8Array.of(1, 2);
    const goims = [
      encodeFrame(goim(), { op: 7, seq: 1, body }),
      encodeFrame(
        goim({ flatten: false }),
        batch([
          { op: 1, seq: 2, body },
          { op: 3, seq: 4, body },
        ]),
      ),
    ];
    expect(await compare(goim() as Explainable, "goim", goims)).toBe(6 + 5 + 12);
    const gateway = gatewayProtocol();
    const packages = [encodeFrame(gateway, { cmd: 6, body, ext_data: Uint8Array.of(9) })];
    expect(await compare(gateway as Explainable, "gateway", packages)).toBe(12);
    const v2 = fastway({ dialect: "v2" });
    const parse = await kaitaiParser(ksy(v2 as Explainable, { name: "fastway" }));
    const accept = parse(encodeFrame(v2, { type: "accept", connId: 7, remoteId: 9 }));
    expect(valuesRead(accept)).toEqual([13, 0, 1, 7, 9, ""]);
    const fields = ksy(fastwayFields({ dialect: "v1" }) as never, { name: "v1" });
    expect(await kaitaiParser(fields)).toBeTypeOf("function");
  });

  it("reads counted lists, bits, and what is there by a flag", async () => {
    const protocol = perMessage().wrap(rtpPacket);
    const frames = valuesFor(rtpPacket as never, 5).map((value) => encodeFrame(protocol, value));
    await compare(rtpPacket as never, "rtp", frames);
  });

  it("reads random descriptions, or names the field that it refuses", async () => {
    let [read, refused] = [0, 0];
    for (let seed = 1; seed <= 80; seed++) {
      const field = new RandomFields(seed).any() as Field<never, unknown>;
      let text = "";
      try {
        ksy(field as never, { name: "random" });
      } catch (error) {
        text = (error as Error).message;
        expect(text, described(field as never)).toMatch(/^ksy: "[^"]+": Kaitai cannot express /);
        refused++;
        continue;
      }
      const protocol = perMessage().wrap(field);
      const frames = valuesFor(field, seed).map((value) => encodeFrame(protocol, value).slice());
      read += await compare(field as never, `random ${seed}`, frames);
    }
    expect(read).toBeGreaterThan(1000);
    expect(refused).toBeLessThan(60);
  });

  it("checks constants", async () => {
    const parse = await kaitaiParser(ksy(goimPackets as never, { name: "goim" }));
    const frame = encodeFrame(goimPackets, { op: 1 }).slice();
    frame[5] = 17;
    expect(() => parse(frame)).toThrow(/not equal|expected/i);
  });

  it("names the field that Kaitai cannot express", () => {
    const half = mapped(u8, { name: "half", read: (n) => String(n), write: Number });
    for (const [field, text] of [
      [
        struct({ a: struct({ b: i24le }) }),
        '"a.b": Kaitai cannot express an integer of 24 bits that is signed or little-endian',
      ],
      [struct({ a: align(4), b: u8 }), '"x.a": Kaitai cannot express align'],
      [
        struct({ a: size(u8, "b", "c"), b: bytes(2), c: u8 }),
        "Kaitai cannot express a size of several fields",
      ],
      [
        struct({ a: bits(4), b: bits(4) }, { bits: "low" }),
        '"x.a": Kaitai cannot express bits from the low end on',
      ],
      [
        struct({ a: flags(u16le, ["p"]) }),
        '"x.a": Kaitai cannot express flags in a little-endian number',
      ],
      [
        struct({ a: until(u8, 0) }),
        '"x.a": Kaitai cannot express a list that ends in anything but an empty text',
      ],
      [
        struct({ a: utf8Field(u8), b: match("a", { x: u8 }, bytes()) }),
        '"x.b": Kaitai cannot express a case of this tag',
      ],
      [struct({ a: u48be }), '"x.a": Kaitai cannot express an integer of 48 bits'],
      [
        struct({ a: size(varint(), whole), b: bytes() }),
        '"x.a": Kaitai cannot express a size of the whole at no fixed place',
      ],
      [struct({ a: half, b: array(u24be) }), ""],
      [struct({ n: varint(), sum: checksum(i32be, () => 0) }), ""],
    ] as const) {
      if (text === "") expect(ksy(field as never, { name: "x" }).seq.length).toBe(2);
      else expect(() => ksy(field as never, { name: "x" })).toThrow(text);
    }
  });

  it("refuses what has no description", () => {
    for (const what of [lines().wrap(utf8()), utf8()] as readonly unknown[]) {
      expect(() => ksy(what as Explainable, { name: "x" })).toThrow(
        "ksy needs a description, or a protocol that has one: a layout is not enough",
      );
    }
    expect(() => ksy(u8, { names: "x" } as never)).toThrow(/names/);
    expect(ksy(protocolOf(u8, { name: "u8" }), { name: "8Bit" })).toEqual({
      meta: { id: "f_8_bit", "bit-endian": "be" },
      seq: [{ id: "value", type: "u1" }],
    });
  });
});
