import { describe, expect, it } from "vitest";
import { newScan } from "../../../src/framing/index.ts";
import {
  decodeAll,
  decodeFrame,
  defineProtocol,
  encodeAll,
  encodeFrame,
  lengthPrefixed,
  ProtocolError,
  u16be,
  varintPrefixed,
} from "../../../src/index.ts";
import { everySize, failureOf, readAll } from "../../support/chunks.ts";

// Protocols with more than a length in the header: the framing is spread, so the codec sees whole frames.

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.trim().split(/\s+/), (digits) => Number.parseInt(digits, 16));

describe("AMQP 0-9-1 frames: type, channel, size, payload, end mark", () => {
  const framing = lengthPrefixed({ offset: 3, width: 4, adjust: 1 });
  const amqp = defineProtocol<{ type: number; channel: number; payload: Uint8Array }>({
    ...framing,
    name: "amqp",
    decode(bytes, start, end) {
      if (bytes[end - 1] !== 0xce) {
        throw new ProtocolError("malformed", `frame ends in byte ${bytes[end - 1]}`, end - 1);
      }
      return {
        type: bytes[start]!,
        channel: u16be(bytes, start + 1),
        payload: bytes.subarray(framing.payloadStart(bytes, start, end), end - 1),
      };
    },
    encode: ({ type, channel, payload }, out) =>
      out
        .u8(type)
        .u16be(channel)
        .sized(4, "be", () => out.bytes(payload))
        .u8(0xce),
  });
  const heartbeat = { type: 8, channel: 0, payload: new Uint8Array(0) };
  const open = { type: 1, channel: 7, payload: hex("00 14 00 0a 00") };

  it("are written and read", () => {
    const wire = encodeAll(amqp, [heartbeat, open]);
    expect(wire).toEqual(hex("08 00 00 00 00 00 00 ce 01 00 07 00 00 00 05 00 14 00 0a 00 ce"));
    expect(decodeAll(amqp, wire)).toEqual([heartbeat, open]);
    for (let size = 1; size < wire.length; size++) {
      expect(readAll(amqp, everySize(wire, size)).offsets).toEqual([0, 8]);
    }
  });

  it("are refused without their end mark", () => {
    const failure = failureOf(() => decodeFrame(amqp, hex("08 00 00 00 00 00 00 cd")));
    expect(failure).toMatchObject({ code: "malformed", offset: 7 });
  });
});

describe("MQTT 3.1.1 packets: type and flags, remaining length, the rest", () => {
  const framing = varintPrefixed({ offset: 1, maxBytes: 4, maxFrame: 64 * 1024 });
  const mqtt = defineProtocol<{ type: number; flags: number; rest: Uint8Array }>({
    ...framing,
    name: "mqtt",
    decode: (bytes, start, end) => ({
      type: bytes[start]! >> 4,
      flags: bytes[start]! & 0x0f,
      rest: bytes.subarray(framing.payloadStart(bytes, start, end), end),
    }),
    encode: ({ type, flags, rest }, out) =>
      out
        .u8((type << 4) | flags)
        .varint(rest.length)
        .bytes(rest),
  });
  const ping = { type: 12, flags: 0, rest: new Uint8Array(0) };
  const publish = { type: 3, flags: 2, rest: new Uint8Array(200).fill(7) };

  it("are written and read", () => {
    expect(encodeFrame(mqtt, ping)).toEqual(hex("c0 00"));
    const wire = encodeAll(mqtt, [ping, publish, ping]);
    expect(wire.subarray(2, 5)).toEqual(hex("32 c8 01"));
    expect(decodeAll(mqtt, wire)).toEqual([ping, publish, ping]);
    for (const size of [1, 2, 3, 50]) {
      expect(readAll(mqtt, everySize(wire, size)).offsets).toEqual([0, 2, 205]);
    }
  });

  it("have at most four bytes of length", () => {
    const failure = failureOf(() => mqtt.measure(hex("30 80 80 80 80"), 0, 5, newScan()));
    expect(failure).toEqual({
      code: "malformed",
      offset: 1,
      message: "length of more than 4 bytes",
    });
  });
});

describe("Modbus TCP: transaction, protocol 0, length, unit, function, data", () => {
  const framing = lengthPrefixed({ offset: 4, width: 2, maxFrame: 260 });
  const modbus = defineProtocol<{ transaction: number; unit: number; pdu: Uint8Array }>({
    ...framing,
    name: "modbus",
    decode: (bytes, start, end) => ({
      transaction: u16be(bytes, start),
      unit: bytes[start + 6]!,
      pdu: bytes.subarray(start + 7, end),
    }),
    encode: ({ transaction, unit, pdu }, out) =>
      out
        .u16be(transaction)
        .u16be(0)
        .sized(2, "be", () => out.u8(unit).bytes(pdu)),
  });
  const read = { transaction: 1, unit: 17, pdu: hex("03 00 6b 00 03") };

  it("is written and read", () => {
    const wire = encodeFrame(modbus, read);
    expect(wire).toEqual(hex("00 01 00 00 00 06 11 03 00 6b 00 03"));
    expect(decodeFrame(modbus, wire)).toEqual(read);
    for (let size = 1; size < wire.length; size++) {
      expect(readAll(modbus, everySize(wire, size)).offsets).toEqual([0]);
    }
  });

  it("keeps the limit of its specification", () => {
    const failure = failureOf(() => decodeAll(modbus, hex("00 01 00 00 00 ff")));
    expect(failure?.message).toBe("frame of 261 bytes exceeds maxFrame 260");
  });
});
