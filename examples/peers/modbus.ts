// Modbus over TCP and over serial lines (RTU), as a description: requests and responses, with exceptions.
import { decodeFrame, encodeFrame } from "framewright";
import {
  array,
  bytes,
  checksum,
  constant,
  count,
  enumOf,
  match,
  prefixed,
  protocolOf,
  rest,
  size,
  struct,
  u8,
  u16be,
  u16le,
  withDefault,
} from "framewright/fields";
import { crc16 } from "framewright/framing";

const functions = {
  readCoils: 1,
  readDiscreteInputs: 2,
  readHoldingRegisters: 3,
  readInputRegisters: 4,
  writeSingleCoil: 5,
  writeSingleRegister: 6,
  writeMultipleCoils: 15,
  writeMultipleRegisters: 16,
} as const;

const range = struct({ address: u16be, quantity: u16be });
const coil = struct({ address: u16be, value: enumOf(u16be, { off: 0, on: 0xff00 }) });
const register = struct({ address: u16be, value: u16be });

/** A request of a client, after the function code. */
const requests = {
  readCoils: range,
  readDiscreteInputs: range,
  readHoldingRegisters: range,
  readInputRegisters: range,
  writeSingleCoil: coil,
  writeSingleRegister: register,
  // Eight coils per byte, the first one in the lowest bit.
  writeMultipleCoils: struct({ address: u16be, quantity: u16be, coils: bytes(u8) }),
  writeMultipleRegisters: struct({
    address: u16be,
    quantity: count(u16be, "values"),
    bytes: size(u8, "values"),
    values: array(u16be),
  }),
};

const failed = struct({
  code: enumOf(
    u8,
    { illegalFunction: 1, illegalAddress: 2, illegalValue: 3, serverFailure: 4, busy: 6 },
    { open: true },
  ),
});
const coils = struct({ coils: bytes(u8) });
const registers = struct({ values: prefixed(u8, array(u16be)) });

/** A response of a server. An exception repeats the function code with its highest bit set. */
const responses = {
  readCoils: coils,
  readDiscreteInputs: coils,
  readHoldingRegisters: registers,
  readInputRegisters: registers,
  writeSingleCoil: coil,
  writeSingleRegister: register,
  writeMultipleCoils: range,
  writeMultipleRegisters: range,
  readCoilsFailed: failed,
  readDiscreteInputsFailed: failed,
  readHoldingRegistersFailed: failed,
  readInputRegistersFailed: failed,
  writeSingleCoilFailed: failed,
  writeSingleRegisterFailed: failed,
  writeMultipleCoilsFailed: failed,
  writeMultipleRegistersFailed: failed,
};
const answers = {
  ...functions,
  readCoilsFailed: 0x81,
  readDiscreteInputsFailed: 0x82,
  readHoldingRegistersFailed: 0x83,
  readInputRegistersFailed: 0x84,
  writeSingleCoilFailed: 0x85,
  writeSingleRegisterFailed: 0x86,
  writeMultipleCoilsFailed: 0x8f,
  writeMultipleRegistersFailed: 0x90,
} as const;

const header = {
  transaction: u16be,
  protocol: constant(u16be, 0),
  length: size(u16be, rest),
  unit: withDefault(u8, 1),
};
export const tcpRequest = protocolOf(
  struct({ ...header, fn: enumOf(u8, functions), data: match("fn", requests) }),
  { name: "Modbus TCP request", maxFrame: 260, upTo: "protocol" },
);
export const tcpResponse = protocolOf(
  struct({ ...header, fn: enumOf(u8, answers), data: match("fn", responses) }),
  { name: "Modbus TCP response", maxFrame: 260, upTo: "protocol" },
);

// Frames on a serial line have no length: each function determines where its fields end, and a checksum
// follows.
const crc = checksum(u16le, crc16("modbus"));
export const rtuRequest = protocolOf(
  struct({ unit: u8, fn: enumOf(u8, functions), data: match("fn", requests), crc }),
  { name: "Modbus RTU request", maxFrame: 256 },
);
export const rtuResponse = protocolOf(
  struct({ unit: u8, fn: enumOf(u8, answers), data: match("fn", responses), crc }),
  { name: "Modbus RTU response", maxFrame: 256 },
);

const hex = (frame: Uint8Array): string =>
  Array.from(frame, (byte) => byte.toString(16).padStart(2, "0")).join(" ");

const ask = { fn: "readHoldingRegisters", data: { address: 107, quantity: 3 } } as const;
console.log(hex(encodeFrame(tcpRequest, { transaction: 1, ...ask })));
//=> 00 01 00 00 00 06 01 03 00 6b 00 03
console.log(hex(encodeFrame(rtuRequest, { unit: 17, ...ask })));
//=> 11 03 00 6b 00 03 76 87

const answer = Uint8Array.of(0, 1, 0, 0, 0, 5, 1, 3, 2, 0x12, 0x34);
console.log(decodeFrame(tcpResponse, answer).data);
//=> { values: [ 4660 ] }
const refusal = Uint8Array.of(0, 1, 0, 0, 0, 3, 1, 0x83, 2);
console.log(decodeFrame(tcpResponse, refusal).data);
//=> { code: 'illegalAddress' }
