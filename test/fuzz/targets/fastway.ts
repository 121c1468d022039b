import { raw } from "../../../src/core/index.ts";
import {
  command,
  fastway,
  linkFixlen,
  linkJson,
  packet,
} from "../../../src/protocols/fastway/index.ts";
import { defineCase, type Target, targetOf } from "../check.ts";

const maxPacket = 300;
const bodies = [Uint8Array.of(), Uint8Array.of(1, 2, 3)];
const message = { type: "message", connId: 7, message: Uint8Array.of(1) } as const;
const ping = { type: "ping" } as const;
const dial = { type: "dial", connId: 1, remoteId: 2 } as const;
const accept = { type: "accept", connId: 1, remoteId: 2 } as const;

export const target: Target = targetOf([
  defineCase({
    name: "packet",
    protocol: packet({ maxPacket }),
    values: [{ connId: 1, message: bodies[1]! }],
  }),
  defineCase({ name: "command v1", protocol: command({ dialect: "v1" }), values: [ping, dial] }),
  defineCase({ name: "command v2", protocol: command({ dialect: "v2" }), values: [ping, accept] }),
  defineCase({
    name: "fastway v1",
    protocol: fastway({ dialect: "v1", maxPacket }),
    values: [ping, dial, message],
  }),
  defineCase({
    name: "fastway v2",
    protocol: fastway({ dialect: "v2", maxPacket }),
    values: [ping, accept, message],
  }),
  defineCase({
    name: "linkFixlen 1",
    protocol: linkFixlen({ width: 1, endian: "le" }).wrap(raw()),
    values: bodies,
  }),
  defineCase({
    name: "linkFixlen 8",
    protocol: linkFixlen({ width: 8, endian: "be", maxReceive: 300, maxSend: 300 }).wrap(raw()),
    values: bodies,
  }),
  defineCase({
    name: "linkJson",
    protocol: linkJson(),
    values: [{ head: "ping", body: { n: 1 } }],
  }),
]);
