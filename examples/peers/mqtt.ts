// All packets of MQTT 3.1.1, as a description.
import { decodeFrame, encodeFrame } from "framewright";
import {
  array,
  bits,
  bytes,
  checked,
  constant,
  enumOf,
  flag,
  magic,
  match,
  optional,
  present,
  protocolOf,
  rest,
  size,
  struct,
  u8,
  u16be,
  utf8,
  varint,
  withDefault,
} from "framewright/fields";

const text = utf8(u16be);
const qos = checked(bits(2), (level) => level < 3, "0 to 2");

const connect = checked(
  struct({
    protocol: magic("\0\x04MQTT"),
    level: constant(u8, 4),
    hasUsername: present("username"),
    hasPassword: present("password"),
    willRetain: withDefault(flag, false),
    willQos: withDefault(qos, 0),
    hasWill: present("will"),
    cleanSession: flag,
    reserved: constant(bits(1), 0),
    keepAlive: u16be,
    clientId: text,
    will: optional(struct({ topic: text, payload: bytes(u16be) })),
    username: optional(text),
    password: optional(bytes(u16be)),
  }),
  ({ will, willRetain = false, willQos = 0, username, password }) =>
    (will !== undefined || (!willRetain && willQos === 0)) &&
    (username !== undefined || password === undefined),
  "without the flags of a will that is not there, and without a password alone",
);
const connack = struct({
  reserved: constant(bits(7), 0),
  sessionPresent: flag,
  code: enumOf(u8, {
    accepted: 0,
    wrongVersion: 1,
    idRejected: 2,
    unavailable: 3,
    badLogin: 4,
    notAuthorized: 5,
  }),
});

// Only packets with quality of service 1 or 2 have a number.
const unnumbered = struct({ topic: text, payload: bytes() });
const numbered = struct({ topic: text, id: u16be, payload: bytes() });
const id = struct({ id: u16be });
const nothing = struct({});

const subscription = struct({ topic: text, reserved: constant(bits(6), 0), qos });
const some = (list: readonly unknown[]): boolean => list.length > 0;

/**
 * The first byte: a type, and flags that only `publish` chooses. The numbers are the quality of service.
 */
const first = enumOf(u8, {
  connect: 0x10,
  connack: 0x20,
  publish0: 0x30,
  publish0Retain: 0x31,
  publish1: 0x32,
  publish1Retain: 0x33,
  publish2: 0x34,
  publish2Retain: 0x35,
  publish1Again: 0x3a,
  publish1AgainRetain: 0x3b,
  publish2Again: 0x3c,
  publish2AgainRetain: 0x3d,
  puback: 0x40,
  pubrec: 0x50,
  pubrel: 0x62,
  pubcomp: 0x70,
  subscribe: 0x82,
  suback: 0x90,
  unsubscribe: 0xa2,
  unsuback: 0xb0,
  pingreq: 0xc0,
  pingresp: 0xd0,
  disconnect: 0xe0,
});

export const mqtt = protocolOf(
  struct({
    type: first,
    length: size(varint(4), rest),
    data: match("type", {
      connect,
      connack,
      publish0: unnumbered,
      publish0Retain: unnumbered,
      publish1: numbered,
      publish1Retain: numbered,
      publish2: numbered,
      publish2Retain: numbered,
      publish1Again: numbered,
      publish1AgainRetain: numbered,
      publish2Again: numbered,
      publish2AgainRetain: numbered,
      puback: id,
      pubrec: id,
      pubrel: id,
      pubcomp: id,
      subscribe: struct({
        id: u16be,
        subscriptions: checked(array(subscription), some, "at least one"),
      }),
      suback: struct({
        id: u16be,
        granted: array(enumOf(u8, { qos0: 0, qos1: 1, qos2: 2, failure: 0x80 })),
      }),
      unsubscribe: struct({ id: u16be, topics: checked(array(text), some, "at least one") }),
      unsuback: id,
      pingreq: nothing,
      pingresp: nothing,
      disconnect: nothing,
    }),
  }),
  { name: "MQTT 3.1.1", maxFrame: 1 << 20 },
);

const frame = encodeFrame(mqtt, {
  type: "publish1",
  data: { topic: "a/b", id: 7, payload: Uint8Array.of(104, 105) },
});
console.log(frame.join(" "));
//=> 50 9 0 3 97 47 98 0 7 104 105
const packet = decodeFrame(mqtt, Uint8Array.of(0x90, 4, 0, 1, 1, 0x80));
if (packet.type === "suback") console.log(packet.data.granted);
//=> [ 'qos1', 'failure' ]
