import { describe, expect, expectTypeOf, it } from "vitest";
import {
  decodeAll,
  decodeFrame,
  encodeFrame,
  type Received,
  type Sent,
} from "../../../../src/core/index.ts";
import {
  command,
  type Dialect,
  type EndpointCommand,
  type FastwayMessage,
  fastway,
  type GatewayCommand,
} from "../../../../src/protocols/fastway/index.ts";

const message = Uint8Array.of(72, 105);

describe("fastway", () => {
  it("distinguishes messages and commands by the connection id", () => {
    const v2 = fastway({ dialect: "v2" });
    const frame = encodeFrame(v2, { type: "message", connId: 7, message });
    expect(frame.join(" ")).toBe("6 0 0 0 7 0 0 0 72 105");
    expect(decodeFrame(v2, frame)).toEqual({ type: "message", connId: 7, message });
    expect(decodeFrame(v2, encodeFrame(v2, { type: "ping" }))).toEqual({ type: "ping" });
    expect(() => encodeFrame(v2, { type: "message", connId: 0, message })).toThrow(/connection 0/);
  });

  it("returns views, or copies if `copy` is set", () => {
    const frame = encodeFrame(fastway({ dialect: "v2" }), { type: "message", connId: 7, message });
    const read = (copy?: boolean) => decodeFrame(fastway({ dialect: "v2", copy }), frame);
    const [view, copy] = [read() as FastwayMessage, read(true) as FastwayMessage];
    frame[8] = 99;
    expect([view.message[0], copy.message[0]]).toEqual([99, 72]);
  });

  it("reads no argument beyond the end of its command", () => {
    const v2 = fastway({ dialect: "v2" });
    const ping = encodeFrame(v2, { type: "ping" });
    const short = Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 0);
    expect(() => decodeAll(v2, Uint8Array.of(...ping, ...short, ...ping))).toThrow(
      /^short-command: "dial" has Length 5, needs 9/,
    );
  });

  it("has its options as properties", () => {
    const gateway = fastway({ dialect: "v1", side: "gateway", maxPacket: 64 });
    expect(gateway).toMatchObject({ dialect: "v1", side: "gateway", maxPacket: 64, maxFrame: 68 });
    expect(fastway({ dialect: "v2" }).side).toBeUndefined();
    expect(Object.isFrozen(gateway)).toBe(true);
  });

  it("requires a dialect", () => {
    for (const dialect of [undefined, "v3", "toString"] as unknown as Dialect[]) {
      expect(() => fastway({ dialect })).toThrow(/dialect must be "v1" or "v2"/);
      expect(() => command({ dialect })).toThrow(TypeError);
    }
    const side = "client" as unknown as "gateway";
    expect(() => fastway({ dialect: "v1", side })).toThrow(/side must be/);
    // The longest command has 13 bytes.
    expect(fastway({ dialect: "v1", maxPacket: 13 }).maxFrame).toBe(17);
    expect(() => fastway({ dialect: "v1", maxPacket: 12 })).toThrow(RangeError);
  });

  // Section 10 of the reference's behaviour: mixed dialects, as seen by each end.
  it.each([
    ["v2", "endpoint", { type: "open", connId: 1 }, 'an? "open" of dialect v1'],
    ["v1", "gateway", { type: "ping" }, 'a "ping" of dialect v2'],
    ["v2", "gateway", { type: "new" }, 'a "new" of dialect v1'],
    ["v2", "gateway", { type: "ping" }, 'a "ping" of dialect v1'],
  ] as const)("%s %s hints at the other dialect on %j", (dialect, side, value, text) => {
    const other = dialect === "v1" ? "v2" : "v1";
    const frame = encodeFrame(fastway({ dialect: other }), value as never);
    const who = side === "endpoint" ? "gateway" : "endpoint";
    const hint = new RegExp(`it is ${text}: the ${who} seems to speak ${other}`);
    expect(() => decodeFrame(fastway({ dialect, side }), frame)).toThrow(hint);
    expect(() => decodeFrame(command({ dialect, side }), frame)).toThrow(hint);
  });

  it("gives no hint if the command fits no dialect", () => {
    const frame = Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 0, 99, 1);
    for (const dialect of ["v1", "v2"] as const) {
      expect(() => decodeFrame(fastway({ dialect }), frame)).toThrow(
        /^unknown-command: .* unknown$/,
      );
    }
    const short = Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 1);
    expect(() => decodeFrame(command({ dialect: "v1" }), short)).toThrow(/needs 9$/);
    const dial = Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    expect(() => decodeFrame(command({ dialect: "v2" }), dial)).toThrow(/needs 9$/);
    const any = Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 6);
    expect(() => decodeFrame(command({ dialect: "v2" }), any)).toThrow(
      /the peer seems to speak v1/,
    );
  });

  it("separates dialects and sides in the types", () => {
    const v1 = fastway({ dialect: "v1", side: "endpoint" });
    const v2 = fastway({ dialect: "v2", side: "gateway" });
    expectTypeOf<Sent<typeof v1>>().toEqualTypeOf<FastwayMessage | EndpointCommand<"v1">>();
    expectTypeOf<Received<typeof v2>>().toEqualTypeOf<FastwayMessage | EndpointCommand<"v2">>();
    expectTypeOf<Sent<typeof v2>>().toEqualTypeOf<FastwayMessage | GatewayCommand<"v2">>();
    // @ts-expect-error v2 has no "new"
    expect(() => encodeFrame(v2, { type: "new" })).toThrow(/dialect v2 has no "new"/);
    // @ts-expect-error a gateway does not dial
    expect(() => encodeFrame(v2, { type: "dial", remoteId: 1 })).toThrow(/for the gateway/);
    // @ts-expect-error v1 dials with a connection id
    expect(() => encodeFrame(v1, { type: "dial", remoteId: 1 })).toThrow(/u32/);
  });
});

describe("command", () => {
  it("has the limit of its packets", () => {
    expect(command({ dialect: "v1" }).maxFrame).toBe(524_288 + 4);
    expect(command({ dialect: "v2", maxPacket: 20 }).maxFrame).toBe(24);
  });

  it("refuses a message", () => {
    const frame = encodeFrame(fastway({ dialect: "v1" }), { type: "message", connId: 3, message });
    expect(() => decodeFrame(command({ dialect: "v1" }), frame)).toThrow(/message on connection 3/);
  });
});
