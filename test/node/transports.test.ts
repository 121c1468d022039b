import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { afterAll, beforeAll } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { attach, connect, listen, type Server } from "../../src/transports/node/index.ts";
import { attachStreams, attachWebSocket } from "../../src/transports/web/index.ts";
import { serverHandlers, wire } from "../support/transport-server.ts";
import { describeTransport } from "../support/transport-vitest.ts";
import { toWeb } from "../support/web-duplex.ts";

const host = "127.0.0.1";
const path = join(tmpdir(), `framewright-${process.pid}.sock`);
const cert = readFileSync(new URL("../fixtures/tls-cert.pem", import.meta.url));
const key = readFileSync(new URL("../fixtures/tls-key.pem", import.meta.url));
const stream = { boundary: "stream", pauses: true, halfCloses: true } as const;

let tcp: Server<Uint8Array, Uint8Array, unknown>;
let tls: Server<Uint8Array, Uint8Array, unknown>;
let unix: Server<Uint8Array, Uint8Array, unknown>;
const web = createServer({ allowHalfOpen: true });
const wsServers = {
  message: new WebSocketServer({ host, port: 0 }),
  stream: new WebSocketServer({ host, port: 0 }),
};

beforeAll(async () => {
  tcp = await listen(wire, { ...serverHandlers, host, port: 0 });
  tls = await listen(wire, { ...serverHandlers, host, port: 0, tls: { key, cert } });
  rmSync(path, { force: true });
  unix = await listen(wire, { ...serverHandlers, path });
  web.on("connection", (socket) => {
    attachStreams(toWeb(socket), wire, serverHandlers);
  });
  web.listen(0, host);
  for (const boundary of ["message", "stream"] as const) {
    wsServers[boundary].on("connection", (socket) => {
      attachWebSocket(socket, wire, { ...serverHandlers, boundary });
    });
  }
});

afterAll(async () => {
  await Promise.all([tcp, tls, unix].map((server) => server.close({ timeout: 0 })));
  web.close();
  for (const server of Object.values(wsServers)) {
    for (const client of server.clients) client.terminate();
    server.close();
  }
});

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

describeTransport({
  ...stream,
  name: "TCP",
  connect: (options) => connect(wire, { ...options, host, port: tcp.port! }),
});

describeTransport({
  ...stream,
  name: "TLS",
  connect: (options) => connect(wire, { ...options, host, port: tls.port!, tls: { ca: cert } }),
});

describeTransport({
  ...stream,
  name: "TCP, read into slabs",
  connect: (options) => connect(wire, { ...options, host, port: tcp.port!, slab: 262_144 }),
});

describeTransport({
  ...stream,
  name: "TLS, read into slabs",
  connect: (options) =>
    connect(wire, { ...options, host, port: tls.port!, tls: { ca: cert }, slab: 4096 }),
});

describeTransport({
  ...stream,
  name: "Unix domain socket",
  connect: (options) => connect(wire, { ...options, path }),
});

describeTransport({
  ...stream,
  name: "standard streams of a child process",
  connect(options) {
    // The child hands everything on to the server, as `ssh -W` does.
    const relay = `
      const { connect, Socket } = require("node:net");
      const socket = connect({ path: ${JSON.stringify(path)}, allowHalfOpen: true });
      // process.stdout cannot be ended before the process does.
      process.stdin.pipe(socket).pipe(new Socket({ fd: 1, readable: false }));
      socket.on("error", () => process.exit());
    `;
    const { stdin, stdout } = spawn(process.execPath, ["-e", relay], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    return attach(Duplex.from({ readable: stdout, writable: stdin }), wire, options);
  },
});

describeTransport({
  ...stream,
  name: "web streams",
  async connect(options) {
    const socket = dial({ host, port: portOf(web), allowHalfOpen: true });
    await once(socket, "connect");
    return attachStreams(toWeb(socket), wire, options);
  },
});

for (const boundary of ["message", "stream"] as const) {
  describeTransport({
    name: `ws, ${boundary} boundary`,
    boundary,
    pauses: true,
    halfCloses: false,
    codes: { malformed: 1002, tooLong: 1009 },
    connect: (options) =>
      attachWebSocket(new WebSocket(`ws://${host}:${portOf(wsServers[boundary])}`), wire, {
        ...options,
        boundary,
      }),
  });
}
