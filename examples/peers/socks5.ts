// SOCKS5 (RFC 1928) with user names and passwords (RFC 1929), as a description. Each message determines its
// own end.
import { decodeFrame, encodeFrame } from "framewright";
import {
  array,
  ascii,
  bytes,
  constant,
  enumOf,
  protocolOf,
  struct,
  u8,
  u16be,
  union,
  utf8,
} from "framewright/fields";

const version = constant(u8, 5);
const method = enumOf(u8, { none: 0, gssapi: 1, password: 2, refused: 0xff }, { open: true });

/** Either end of a connection. */
const address = union("type", enumOf(u8, { ipv4: 1, domain: 3, ipv6: 4 }), {
  ipv4: { host: bytes(4), port: u16be },
  domain: { host: ascii(u8), port: u16be },
  ipv6: { host: bytes(16), port: u16be },
});

/** Client: the methods that it supports. */
export const greeting = protocolOf(struct({ version, methods: array(method, u8) }), {
  name: "SOCKS5 greeting",
  maxFrame: 257,
});

/** Server: the method that it chose. */
export const choice = protocolOf(struct({ version, method }), { name: "SOCKS5 choice" });

/** Client, if the method is `password`. */
export const login = protocolOf(
  struct({ version: constant(u8, 1), username: utf8(u8), password: utf8(u8) }),
  { name: "SOCKS5 login", maxFrame: 513 },
);

/** Server: 0 accepts the client. */
export const loginReply = protocolOf(struct({ version: constant(u8, 1), status: u8 }), {
  name: "SOCKS5 login reply",
});

/** Client: the address that it requests. */
export const request = protocolOf(
  struct({
    version,
    command: enumOf(u8, { connect: 1, bind: 2, udp: 3 }),
    reserved: constant(u8, 0),
    address,
  }),
  { name: "SOCKS5 request", maxFrame: 262 },
);

/** Server: after `succeeded` the connection belongs to the two ends. */
export const reply = protocolOf(
  struct({
    version,
    status: enumOf(
      u8,
      {
        succeeded: 0,
        failed: 1,
        notAllowed: 2,
        networkUnreachable: 3,
        hostUnreachable: 4,
        connectionRefused: 5,
        expired: 6,
        unknownCommand: 7,
        unknownAddress: 8,
      },
      { open: true },
    ),
    reserved: constant(u8, 0),
    address,
  }),
  { name: "SOCKS5 reply", maxFrame: 262 },
);

const frame = encodeFrame(request, {
  command: "connect",
  address: { type: "domain", host: "example.com", port: 80 },
});
console.log(frame.join(" "));
//=> 5 1 0 3 11 101 120 97 109 112 108 101 46 99 111 109 0 80
console.log(decodeFrame(choice, Uint8Array.of(5, 0xff)).method);
//=> refused
