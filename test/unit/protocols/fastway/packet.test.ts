import { describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame, Splitter } from "../../../../src/core/index.ts";
import { packet } from "../../../../src/protocols/fastway/index.ts";

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe("packet", () => {
  it("has the gateway's default limit", () => {
    expect(packet().maxFrame).toBe(524_288 + 4);
    expect(packet({ maxPacket: undefined }).maxFrame).toBe(524_292);
  });

  it("accepts Length = maxPacket and not one more, in chunks of any size", () => {
    const small = packet({ maxPacket: 5 });
    expect(decodeFrame(small, bytes(5, 0, 0, 0, 1, 0, 0, 0, 9)).message).toEqual(bytes(9));
    const splitter = new Splitter(small);
    for (const byte of [6, 0, 0]) {
      splitter.push(bytes(byte));
      expect(splitter.next()).toBe(false);
    }
    splitter.push(bytes(0));
    expect(() => splitter.next()).toThrow("too-large: Length 6 exceeds maxPacket 5");
  });

  it("refuses a connection id that is not an unsigned 32-bit integer", () => {
    for (const connId of [-1, 2 ** 32, 1.5, Number.NaN]) {
      const message = new Uint8Array(0);
      expect(() => encodeFrame(packet(), { connId, message })).toThrow(/u32/);
    }
  });

  it("refuses a message that is not a Uint8Array", () => {
    for (const message of ["text", new ArrayBuffer(3), [1], undefined]) {
      const value = { connId: 1, message: message as never };
      expect(() => encodeFrame(packet(), value)).toThrow(/cannot hold|cannot write/);
    }
  });

  it("returns views, or copies if `copy` is set", () => {
    const frame = encodeFrame(packet(), { connId: 1, message: bytes(7) });
    const view = decodeFrame(packet(), frame).message;
    const copy = decodeFrame(packet({ copy: true }), frame).message;
    frame[8] = 99;
    expect(view).toEqual(bytes(99));
    expect(copy).toEqual(bytes(7));
  });

  it.each([3, 0, -1, 4.5, 2 ** 32, Number.NaN])("refuses maxPacket %s", (maxPacket) => {
    expect(() => packet({ maxPacket })).toThrow(RangeError);
  });
});
