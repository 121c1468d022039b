import {
  array,
  ascii,
  bits,
  bytes,
  checked,
  checksum,
  constant,
  count,
  enumOf,
  envelope,
  type Field,
  flag,
  i16be,
  i32be,
  ignored,
  lazy,
  magic,
  mapped,
  match,
  optional,
  present,
  protocolOf,
  rest,
  size,
  struct,
  u8,
  u16be,
  u16le,
  u32be,
  u32le,
  union,
  until,
  utf8,
  varint,
  whole,
  withDefault,
} from "framewright/fields";
import { crc16 } from "./crc16.ts";

/* Formats of the field, as their users would describe them. */

export const goimPacket = struct({
  packetLength: size(i32be, whole),
  headerLength: constant(i16be, 16),
  ver: withDefault(i16be, 1),
  op: i32be,
  seq: withDefault(i32be, 0),
  body: withDefault(bytes(), new Uint8Array(0)),
});
export const goimPackets = protocolOf(goimPacket, {
  name: "goim",
  maxFrame: 1 << 20,
  upTo: "headerLength",
});

const connId = u32le;
const remoteId = u32le;
export const fastwayCommand = envelope({
  length: size(u32le, rest),
  connId: constant(u32le, 0),
  command: union(
    "type",
    enumOf(u8, { dial: 0, accept: 1, connect: 2, refuse: 3, close: 4, ping: 5 }),
    {
      dial: { remoteId, extra: ignored() },
      accept: { connId, remoteId, extra: ignored() },
      connect: { connId, remoteId, extra: ignored() },
      refuse: { remoteId, extra: ignored() },
      close: { connId, extra: ignored() },
      ping: { extra: ignored() },
    },
  ),
});
export const fastwayCommands = protocolOf(fastwayCommand, {
  name: "fastway v2",
  maxFrame: 524_292,
});

const modbusFunction = enumOf(
  u8,
  { readHoldingRegisters: 3, writeSingleRegister: 6, writeMultipleRegisters: 16 },
  { open: true },
);
const modbusRequest = struct({
  transaction: u16be,
  protocol: constant(u16be, 0),
  length: size(u16be, rest),
  unit: withDefault(u8, 1),
  fn: modbusFunction,
  data: match(
    "fn",
    {
      readHoldingRegisters: struct({ address: u16be, quantity: u16be }),
      writeSingleRegister: struct({ address: u16be, value: u16be }),
      writeMultipleRegisters: struct({
        address: u16be,
        quantity: count(u16be, "values"),
        bytes: size(u8, "values"),
        values: array(u16be),
      }),
    },
    bytes(),
  ),
});
export const modbus = protocolOf(modbusRequest, { name: "Modbus TCP", maxFrame: 260 });
/** Modbus RTU: the same, between an address and a CRC, behind whatever finds frames. */
export const modbusRtu = struct({ unit: u8, fn: u8, data: bytes(), crc: checksum(u16le, crc16) });

const mqttString = utf8(u16be);
const mqttBytes = bytes(u16be);
const mqttConnect = struct({
  type: constant(bits(4), 1),
  reserved: constant(bits(4), 0),
  remaining: size(varint(4), rest),
  name: magic("\0\x04MQTT"),
  level: constant(u8, 4),
  hasUsername: present("username"),
  hasPassword: present("password"),
  willRetain: withDefault(flag, false),
  willQos: withDefault(bits(2), 0),
  hasWill: present("will"),
  cleanSession: flag,
  bit0: constant(bits(1), 0),
  keepAlive: u16be,
  clientId: mqttString,
  will: optional(struct({ topic: mqttString, payload: mqttBytes })),
  username: optional(mqttString),
  password: optional(mqttBytes),
});
export const mqtt = protocolOf(mqttConnect, { name: "MQTT CONNECT", maxFrame: 1 << 20 });

const label = checked(
  ascii(u8),
  (text) => text.length < 64 && !text.includes("."),
  "a label of at most 63 characters without a dot",
);
const dnsName = mapped(until(label, ""), {
  name: "name",
  read: (labels) => labels.join("."),
  write: (name: string) => (name === "" ? [] : name.split(".")),
});
const dnsMessage = struct({
  id: u16be,
  response: withDefault(flag, false),
  opcode: withDefault(bits(4), 0),
  authoritative: withDefault(flag, false),
  truncated: withDefault(flag, false),
  recursionDesired: withDefault(flag, true),
  recursionAvailable: withDefault(flag, false),
  z: constant(bits(3), 0),
  rcode: withDefault(bits(4), 0),
  questionCount: count(u16be, "questions"),
  answerCount: constant(u16be, 0),
  authorityCount: constant(u16be, 0),
  additionalCount: constant(u16be, 0),
  questions: array(
    struct({
      name: dnsName,
      type: enumOf(u16be, { A: 1, NS: 2, CNAME: 5, AAAA: 28 }, { open: true }),
      class: withDefault(u16be, 1),
    }),
  ),
});
export const dns = protocolOf(struct({ length: size(u16be, rest), message: dnsMessage }), {
  name: "DNS over TCP",
  maxFrame: 65_537,
});

export type Tlv =
  | { readonly tag: "int"; readonly value: number }
  | { readonly tag: "text"; readonly value: string }
  | { readonly tag: "list"; readonly value: readonly Tlv[] };
export const tlv: Field<Tlv> = struct({
  tag: enumOf(u8, { int: 1, text: 2, list: 3 }),
  length: size(u16be, "value"),
  value: match("tag", { int: u32be, text: utf8(), list: array(lazy((): Field<Tlv> => tlv)) }),
});
export const tlvs = protocolOf(tlv, { name: "TLV", maxFrame: 65_538 });

/** RTP: version bits, a list of sources, and an optional extension with its length in words before the payload. */
export const rtpPacket = struct({
  version: constant(bits(2), 2),
  padding: withDefault(flag, false),
  hasExtension: present("extension"),
  sourceCount: count(bits(4), "sources"),
  marker: flag,
  payloadType: bits(7),
  sequence: u16be,
  timestamp: u32be,
  ssrc: u32be,
  sources: array(u32be),
  extension: optional(
    struct({ profile: u16be, words: size(u16be, "data", { unit: 4 }), data: bytes() }),
  ),
  payload: bytes(),
});
