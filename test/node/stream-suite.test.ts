import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, connect as dialSocket, type Server as NetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { connect, listen, type Server, startTls } from "../../src/transports/node/index.ts";
import { attachStreams } from "../../src/transports/web/index.ts";
import { type Streams, startTlsTests, streamTests } from "../support/stream-suite.ts";
import { describeStreams } from "../support/transport-vitest.ts";
import { toWeb } from "../support/web-duplex.ts";

// The tests of streams that test/runtimes runs in Bun, Deno and newer versions of Node as well.

const host = "127.0.0.1";
const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));
const servers: (Server<never, unknown, unknown> | NetServer)[] = [];
let paths = 0;

afterAll(async () => {
  for (const server of servers) {
    if (server instanceof Object && "connections" in server && server.connections instanceof Set) {
      await (server as Server<never, unknown, unknown>).close({ timeout: 10 });
    } else {
      (server as NetServer).close();
    }
  }
});

const tcp: Streams = {
  name: "streams over TCP",
  async listen(protocol, options) {
    const server = await listen(protocol, { ...options, host, port: 0 });
    servers.push(server as never);
    return (other, given) => connect(other, { ...given, host, port: server.port! });
  },
};

const tls: Streams = {
  name: "streams over TLS",
  async listen(protocol, options) {
    const server = await listen(protocol, { ...options, host, port: 0, tls: { key, cert } });
    servers.push(server as never);
    return (other, given) =>
      connect(other, { ...given, host, port: server.port!, tls: { ca: cert } });
  },
};

const unix: Streams = {
  name: "streams over Unix sockets",
  async listen(protocol, options) {
    const path = join(tmpdir(), `framewright-streams-${process.pid}-${paths++}.sock`);
    servers.push((await listen(protocol, { ...options, path })) as never);
    return (other, given) => connect(other, { ...given, path });
  },
};

const web: Streams = {
  name: "web streams",
  async listen(protocol, options) {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      attachStreams(toWeb(socket), protocol, options);
    }).listen(0, host);
    servers.push(server);
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    return async (other, given) => {
      const socket = dialSocket({ host, port, allowHalfOpen: true });
      await once(socket, "connect");
      return attachStreams(toWeb(socket), other, given);
    };
  },
};

for (const streams of [tcp, tls, unix, web]) describeStreams(streams.name, streamTests(streams));
describeStreams("startTls", startTlsTests({ listen, connect, startTls, cert, key }));
