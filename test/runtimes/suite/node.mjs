// framewright/node over the sockets of node:net, node:tls and node:dgram, whoever brings them: Node, Bun or Deno.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  connect,
  connectDatagram,
  listen,
  listenDatagram,
  startTls,
} from "../../../src/transports/node/index.ts";
import { datagramTests } from "../../support/datagram-suite.ts";
import { startTlsTests, streamTests } from "../../support/stream-suite.ts";
import { serverHandlers, wire } from "../../support/transport-server.ts";
import { report, suitesOf } from "./runner.ts";

const isDeno = "Deno" in globalThis;
const host = "127.0.0.1";
const path = join(process.cwd(), `${process.pid}.sock`);
const cert = readFileSync("tls-cert.pem");
const key = readFileSync("tls-key.pem");
const stream = { boundary: "stream", pauses: true, halfCloses: true };

const { port } = await listen(wire, { ...serverHandlers, host, port: 0 });
const tls = await listen(wire, { ...serverHandlers, host, port: 0, tls: { key, cert } });
await listen(wire, { ...serverHandlers, path });

const [tcpSuite, tlsSuite, unixSuite] = suitesOf([
  { ...stream, name: "TCP", connect: (options) => connect(wire, { ...options, host, port }) },
  {
    ...stream,
    name: "TLS",
    connect: (o) => connect(wire, { ...o, host, port: tls.port, tls: { ca: cert } }),
  },
  { ...stream, name: "Unix socket", connect: (options) => connect(wire, { ...options, path }) },
]);
const udp = { name: "UDP", host, listenDatagram, connectDatagram, refusals: !isDeno };
const udpSuite = { name: "UDP", tests: datagramTests(udp) };

// A paused socket of Deno's node:tls (2.9.6) reads on from its TCP socket, and keeps what comes in memory of its own. An
// end that comes in a pause it never tells. Its own Deno.listenTls and Deno.connectTls do not have this: see deno.mjs.
const tlsFails = {
  "stops sending to a peer that does not read, and goes on when it does": "nothing stopped it",
  "slows a peer down while it is paused": "nothing stopped it",
  "is iterated to the end, in order": "never ends",
};
const tlsStreamFails = {
  "pipes 5 MB both ways, and the end of each side": "never ends",
  "slows a sender down through a pipe, until the receiver reads": "while no one reads",
};
// Deno's node:dgram sends what is sent in one turn in reverse, and keeps the address of a connected socket to
// itself: the kernel, which does not know of it, delivers what strangers send, and reports no refusal.
const udpFails = {
  "keeps 10,000 small messages in order, and each whole, if it comes": "came behind",
  "sends what was sent before it closes": "in order",
  "hears nobody but the peer that it is connected to": "heard a stranger",
};

let paths = 0;
/** What streams can do besides, over sockets that `where` makes options for. */
const streamSuite = (name, where) => ({
  name: `streams over ${name}`,
  tests: streamTests({
    name,
    async listen(protocol, options) {
      const [server, client] = where();
      const { port: own } = await listen(protocol, { ...options, ...server });
      return (other, given) => connect(other, { ...given, ...client, ...(own && { port: own }) });
    },
  }),
});
const unixPath = () => {
  const own = { path: join(process.cwd(), `${process.pid}-${paths++}.sock`) };
  return [own, own];
};
const streamSuites = [
  streamSuite("TCP", () => [{ host, port: 0 }, { host }]),
  {
    ...streamSuite("TLS", () => [
      { host, port: 0, tls: { key, cert } },
      { host, tls: { ca: cert } },
    ]),
    fails: isDeno ? tlsStreamFails : {},
  },
  streamSuite("Unix sockets", unixPath),
];
const startTlsSuite = {
  name: "startTls",
  tests: startTlsTests({ listen, connect, startTls, cert, key }),
};

await report([
  tcpSuite,
  { ...tlsSuite, fails: isDeno ? tlsFails : {} },
  unixSuite,
  ...streamSuites,
  startTlsSuite,
  { ...udpSuite, fails: isDeno ? udpFails : {} },
]);
process.exit();
