import { execFileSync } from "node:child_process";
import type { Arbitrary } from "fast-check";
import { decodeFrame, encodeFrame, type Framing, Output, ProtocolError } from "framewright";
import {
  bits,
  bytes,
  codec,
  type DescribedProtocol,
  type Field,
  mapped,
  struct,
  u8,
  utf8,
} from "framewright/fields";
import { compiled } from "framewright/fields/compiled";
import { newScan } from "framewright/framing";
import { agreement, laws, valuesOf } from "framewright/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  build,
  type Fast,
  generate,
  generateMeasure,
} from "../../../src/fields/compiled/generate.ts";
import { aimOf } from "../../../src/fields/protocol-of.ts";
import {
  dns,
  fastwayCommands,
  goimPacket,
  goimPackets,
  modbus,
  mqtt,
  rtpPacket,
  tlvs,
} from "../../support/formats.ts";

describe("compiled", () => {
  for (const protocol of [goimPackets, fastwayCommands, modbus, mqtt, dns, tlvs]) {
    const plain = protocol as DescribedProtocol<unknown>;
    const values = valuesOf(plain) as Arbitrary<unknown>;
    for (const law of agreement(compiled(plain), plain, values, { runs: 40 })) {
      it(`${protocol.name}: ${law.name}`, law.check);
    }
  }
  for (const law of laws(compiled(rtpPacket) as Field<unknown>, { runs: 20 }))
    it(`RTP: ${law.name}`, law.check);

  it("keeps errors, with path and offset", () => {
    const fast = compiled(goimPackets);
    const frame = encodeFrame(fast, { op: 1 });
    frame[5] = 17;
    const errors = [goimPackets, fast].map((protocol) => {
      try {
        return decodeFrame(protocol, frame);
      } catch (error) {
        const { code, message, offset, path } = error as ProtocolError;
        return { code, message, offset, path };
      }
    });
    expect(errors[1]).toEqual(errors[0]);
    expect(() => encodeFrame(fast, { op: "1" } as never)).toThrow("op: i32 cannot hold string");
  });

  it("leaves no bytes when a value is refused", () => {
    const out = new Output();
    out.u8(1);
    expect(() => compiled(struct({ a: u8, b: u8 })).encode({ a: 1, b: 300 }, out)).toThrow(
      ProtocolError,
    );
    expect(out.length).toBeLessThanOrEqual(2);
  });

  it("needs the closures for nothing that is good", () => {
    const { read, write } = build<Fast>(generate(goimPacket as never));
    const frame = encodeFrame(goimPackets, { op: 7, seq: 2, body: Uint8Array.of(1) });
    const cursor = { at: 0 };
    expect(read(frame, 0, frame.length, cursor)).toEqual(decodeFrame(goimPackets, frame));
    const out = new Output();
    write({ op: 7, seq: 2, body: Uint8Array.of(1) }, out);
    expect(out.take()).toEqual(frame);
    expect(() => read(frame, 0, 3, cursor)).toThrow("not like this");
  });

  it("measures complete frames by generated code, and all others by the closures", () => {
    for (const [protocol, frame, short] of [
      [goimPackets, encodeFrame(goimPackets, { op: 7 }), 5],
      [mqtt, encodeFrame(mqtt, { cleanSession: true, keepAlive: 1, clientId: "a" }), 1],
      [tlvs, encodeFrame(tlvs, { tag: "text", value: "abc" }), 2],
    ] as const) {
      let asked = 0;
      const slow: Framing["measure"] = (...args) => {
        asked++;
        return protocol.measure(...args);
      };
      const plain = protocol as DescribedProtocol<never, unknown>;
      const code = generateMeasure(plain.field as never, aimOf(plain), slow)!;
      const measure = build<Framing["measure"]>(code);
      expect(measure(frame, 0, frame.length, newScan())).toBe(frame.length);
      expect(asked).toBe(0);
      const scan = newScan();
      expect(measure(frame, 0, short, scan)).toBe(0);
      expect(scan.at).toBeGreaterThan(short);
      expect(asked).toBe(1);
    }
  });

  it("puts names into code as strings only", () => {
    const name = `"];globalThis.broken = true;//\u2028\`\${1}`;
    const field = struct({ [name]: u8 } as { [key: string]: typeof u8 });
    const fast = compiled(field) as Field<object>;
    expect(decodeFrameOf(fast, Uint8Array.of(5))).toEqual({ [name]: 5 });
    expect("broken" in globalThis).toBe(false);
    expect(generate(field as never).text).toContain(
      JSON.stringify(name).replace("\u2028", "\\u2028"),
    );
  });

  it("returns parts of bytes unchanged", () => {
    const part = bits(3);
    expect(compiled(part)).toBe(part);
  });

  it("works inside of other descriptions, and with functions of users", () => {
    const inner = compiled(struct({ x: u8, name: utf8(u8) }));
    const field = compiled(
      struct({
        inner,
        raw: codec({
          decode: (given: Uint8Array, start: number, end: number) => given.slice(start, end),
          encode: (value: Uint8Array, out) => void out.bytes(value),
        }),
        id: mapped(u8, { name: "twice", read: (n) => n * 2, write: (n: number) => n / 2 }),
      }),
    );
    const value = { inner: { x: 1, name: "a" }, raw: Uint8Array.of(7), id: 8 };
    const out = new Output();
    field.encode(value, out);
    const frame = out.take();
    expect([...frame]).toEqual([1, 1, 97, 7, 4]);
    expect(decodeFrameOf(field, frame)).toEqual(value);
    expect(compiled(bytes()).text).toBeUndefined();
    expect(compiled(utf8()).text).toBe(true);
  });
});

function decodeFrameOf<Out>(field: Field<never, Out>, frame: Uint8Array): Out {
  return field.decode(frame, 0, frame.length);
}

describe("compiled without eval", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("returns the description itself", () => {
    vi.stubGlobal("Function", function forbidden() {
      throw new EvalError("Code generation from strings disallowed for this context");
    });
    expect(compiled(goimPacket)).toBe(goimPacket);
    expect(encodeFrame(compiled(goimPackets), { op: 1 }).length).toBe(16);
  });

  it("returns the protocol itself, whatever error the runtime has for it", () => {
    vi.stubGlobal("Function", function forbidden() {
      throw new SyntaxError("Parsing source code unsupported");
    });
    expect(compiled(goimPackets)).toBe(goimPackets);
  });

  it("is what Node calls it, too", () => {
    const script = "try { new Function('1') } catch (error) { console.log(error.name) }";
    const args = ["--disallow-code-generation-from-strings", "-e", script];
    expect(execFileSync(process.execPath, args, { encoding: "utf8" }).trim()).toBe("EvalError");
  });
});
