import { decodeFrame, encodeFrame, perMessage } from "framewright";
import type { DescribedProtocol, Field } from "framewright/fields";
import { goim } from "framewright/goim";
import { agreement, laws, valuesOf } from "framewright/testing";
import { describe, expect, it } from "vitest";
import { errorOf } from "../../support/chunks.ts";
import {
  dns,
  fastwayCommands,
  goimPackets,
  modbus,
  modbusRtu,
  mqtt,
  rtpPacket,
  tlvs,
} from "../../support/formats.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

const rtp = perMessage().wrap(rtpPacket, { name: "RTP" });
const rtu = perMessage().wrap(modbusRtu, { name: "Modbus RTU" });

describe("described formats write the bytes of their specifications", () => {
  it("goim", () => {
    const frame = encodeFrame(goimPackets, { op: 7, seq: 1, body: Uint8Array.of(0x68, 0x69) });
    expect(hex(frame)).toBe("0000001200100001" + "00000007" + "00000001" + "6869");
  });

  it("fastway", () => {
    expect(hex(encodeFrame(fastwayCommands, { type: "accept", connId: 1, remoteId: 2 }))).toBe(
      "0d00000000000000" + "01" + "01000000" + "02000000",
    );
  });

  it("Modbus", () => {
    const request = {
      transaction: 2,
      fn: "writeMultipleRegisters",
      data: { address: 1, values: [10, 258] },
    } as const;
    const frame = encodeFrame(modbus, request);
    expect(hex(frame)).toBe("00020000000b01" + "10" + "00010002" + "04" + "000a0102");
    expect(decodeFrame(modbus, frame)).toEqual({ unit: 1, ...request });
    // The example of the specification for serial lines.
    expect(hex(encodeFrame(rtu, { unit: 0x11, fn: 3, data: bytesOf("006b0003") }))).toBe(
      "1103006b00037687",
    );
  });

  it("MQTT", () => {
    const frame = encodeFrame(mqtt, {
      cleanSession: true,
      keepAlive: 60,
      clientId: "d",
      username: "u",
    });
    expect(hex(frame)).toBe("1010" + "00044d515454" + "0482003c" + "000164" + "000175");
    const long = encodeFrame(mqtt, {
      cleanSession: true,
      keepAlive: 60,
      clientId: "d".repeat(200),
    });
    expect(hex(long.subarray(0, 3))).toBe("10d401");
    expect(decodeFrame(mqtt, long).clientId.length).toBe(200);
  });

  it("DNS", () => {
    const frame = encodeFrame(dns, {
      message: { id: 1, questions: [{ name: "a.bc", type: "AAAA" }] },
    });
    expect(hex(frame)).toBe(
      "0016" +
        "0001" +
        "0100" +
        "0001000000000000" +
        "0161026263" +
        "00001c0001".replace(/^00/, "00"),
    );
  });

  it("nested TLV", () => {
    const value = {
      tag: "list",
      value: [
        { tag: "int", value: 5 },
        { tag: "text", value: "hi" },
      ],
    } as const;
    const frame = encodeFrame(tlvs, value);
    expect(hex(frame)).toBe("03000c" + "010004" + "00000005" + "020002" + "6869");
    expect(decodeFrame(tlvs, frame)).toEqual(value);
  });

  it("RTP, with an extension of words before the payload", () => {
    const value = {
      padding: false,
      marker: true,
      payloadType: 96,
      sequence: 1,
      timestamp: 2,
      ssrc: 3,
      sources: [4],
      extension: { profile: 0xbede, data: new Uint8Array(4) },
      payload: Uint8Array.of(9),
    };
    const frame = encodeFrame(rtp, value);
    expect(hex(frame)).toBe(
      "91e00001" + "00000002" + "00000003" + "00000004" + "bede0001" + "00000000" + "09",
    );
    expect(decodeFrame(rtp, frame)).toEqual(value);
    const plain = encodeFrame(rtp, { ...value, extension: undefined });
    expect(decodeFrame(rtp, plain)).toEqual({ ...value, extension: undefined });
    const odd = { ...value, extension: { profile: 1, data: new Uint8Array(3) } };
    expect(errorOf(() => encodeFrame(rtp, odd)).message).toBe(
      "extension.words: 3 bytes cannot be counted in units of 4",
    );
  });
});

describe("errors name the field", () => {
  it.each([
    [
      "header length",
      () => decodeFrame(goimPackets, bytesOf("00000010001100010000000700000001")),
      "malformed",
      "headerLength: expected 16 (0x10), found 17 (0x11)",
      ["headerLength"],
      4,
    ],
    [
      "length below the header",
      () => decodeFrame(goimPackets, bytesOf("0000000f001000010000000700000001")),
      "malformed",
      "packetLength: a size of 15, but at least 16 are needed",
      ["packetLength"],
      0,
    ],
    [
      "byte count",
      () => decodeFrame(modbus, bytesOf("00020000000b1110000100020" + "9000a0102")),
      "malformed",
      'data.bytes: 9 bytes announced for "values", 4 left',
      ["data", "bytes"],
      13,
    ],
    [
      "checksum",
      () => decodeFrame(rtu, bytesOf("1103006b00037688")),
      "malformed",
      "crc: expected crc16 34678 (0x8776), found 34934 (0x8876)",
      ["crc"],
      6,
    ],
    [
      "unknown case",
      () => decodeFrame(fastwayCommands, bytesOf("050000000000000009")),
      "malformed",
      "command.type: 9 is not one of 0, 1, 2, 3, 4, 5",
      ["command", "type"],
      8,
    ],
    [
      "constant bits",
      () => decodeFrame(mqtt, bytesOf("1110" + "00044d515454" + "0482003c" + "000164" + "000175")),
      "malformed",
      "reserved: expected 0, found 1",
      ["reserved"],
      0,
    ],
    [
      "number too large",
      () =>
        encodeFrame(modbus, {
          transaction: 1,
          fn: "writeMultipleRegisters",
          data: { address: 1, values: [1, 70_000] },
        }),
      "unencodable",
      "data.values[1]: u16 cannot hold 70000",
      ["data", "values", 1],
      undefined,
    ],
    [
      "wrong bits",
      () => encodeFrame(mqtt, { cleanSession: true, willQos: 4, keepAlive: 1, clientId: "" }),
      "unencodable",
      "willQos: 2 bits cannot hold 4",
      ["willQos"],
      undefined,
    ],
    [
      "unknown name",
      () => encodeFrame(fastwayCommands, { type: "dail" } as never),
      "unencodable",
      'command.type: "dail" is not one of dial, accept, connect, refuse, close, ping',
      ["command", "type"],
      undefined,
    ],
  ] as const)("%s", (_, run, code, message, path, offset) => {
    const error = errorOf(run);
    expect({
      code: error.code,
      message: error.message,
      path: error.path,
      offset: error.offset,
    }).toEqual({ code, message, path, offset });
  });

  it("shortens long paths", () => {
    let deep = Uint8Array.of(3, 0, 0);
    for (let i = 0; i < 70; i++) {
      const { length } = deep;
      deep = Uint8Array.of(3, length >> 8, length & 255, ...deep);
    }
    const error = errorOf(() => decodeFrame(tlvs, deep));
    expect(error.message).toBe("value[0] ... [0].value[0]: nested more than 64 levels deep");
    expect(error.path?.length).toBe(130);
  });
});

describe("described formats keep the laws", () => {
  for (const protocol of [goimPackets, fastwayCommands, modbus, mqtt, dns, tlvs]) {
    for (const law of laws(protocol as DescribedProtocol<unknown>, { runs: 25 })) {
      it(`${protocol.name}: ${law.name}`, law.check);
    }
  }
  for (const [name, field] of Object.entries({ rtpPacket, modbusRtu })) {
    for (const law of laws(field as Field<unknown>, { runs: 25 }))
      it(`${name}: ${law.name}`, law.check);
  }

  it("and need an arbitrary for parts that are not described", () => {
    expect(() => laws(goim() as never)).toThrow(TypeError);
  });
});

describe("a description and code by hand agree", () => {
  for (const law of agreement(goimPackets, goim() as never, valuesOf(goimPackets) as never, {
    runs: 60,
  })) {
    it(`goim: ${law.name}`, law.check);
  }
});
