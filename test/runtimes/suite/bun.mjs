// framewright/bun over Bun.listen and Bun.connect.
import { join } from "node:path";
import { socketHandlers } from "../../../src/transports/bun/index.ts";
import { streamTests } from "../../support/stream-suite.ts";
import { equal } from "../../support/suite-checks.ts";
import { serverHandlers, wire } from "../../support/transport-server.ts";
import { report, suitesOf } from "./runner.ts";

const hostname = "127.0.0.1";
const unix = join(process.cwd(), `${process.pid}.sock`);
const cert = Bun.file("tls-cert.pem");
const key = Bun.file("tls-key.pem");
const allowHalfOpen = true;
const stream = { boundary: "stream", pauses: true, halfCloses: true };

const listen = (where) =>
  Bun.listen({ ...where, allowHalfOpen, socket: socketHandlers(wire, serverHandlers) });

const tcp = listen({ hostname, port: 0 });
const tls = listen({ hostname, port: 0, tls: { cert, key } });
listen({ unix });

/** A connection, once it is open. */
function dial(where, options, protocol = wire) {
  return new Promise((resolve, reject) => {
    const socket = socketHandlers(protocol, {
      ...options,
      open(connection) {
        resolve(connection);
        options.open?.(connection);
      },
    });
    Bun.connect({ ...where, allowHalfOpen, socket }).catch(reject);
  });
}

/** What the handlers of a client are told, up to the end. */
function told(where) {
  return new Promise((resolve, reject) => {
    const calls = [];
    const socket = socketHandlers(wire, {
      open: () => calls.push("open"),
      error: (_, { code }) => calls.push(code),
      close: (_, { by }) => resolve([...calls, by]),
    });
    Bun.connect({ ...where, allowHalfOpen, socket }).catch(reject);
  });
}

const handshakes = [
  {
    name: "ends with a certificate that nobody vouches for, before it is open",
    async run() {
      const calls = await told({ hostname, port: tls.port, tls: true });
      equal(calls, ["DEPTH_ZERO_SELF_SIGNED_CERT", "error"], "told");
    },
  },
  {
    name: "ends with a server that wants a certificate, before that is told of the connection",
    async run() {
      const opened = [];
      const { port } = Bun.listen({
        hostname,
        port: 0,
        allowHalfOpen,
        tls: { cert, key, ca: cert, requestCert: true, rejectUnauthorized: true },
        socket: socketHandlers(wire, {
          context: (socket) => socket.getPeerCertificate().subject.CN,
          message: (connection) => opened.push(connection.context),
          error: (_, error) => opened.push(error),
          close: () => opened.push("close"),
        }),
      });
      // In TLS 1.3 a client is through before the server has looked at its certificate.
      const calls = await told({ hostname, port, tls: { ca: cert } });
      equal([calls.at(-1), opened], ["error", []], "told to both");
      const connection = await dial({ hostname, port, tls: { ca: cert, cert, key } }, {});
      connection.send(Uint8Array.of(1));
      while (opened.length === 0) await Bun.sleep(2);
      equal(opened, ["localhost"], "the name of a client that has one");
    },
  },
];

await report([
  ...suitesOf([
    { ...stream, name: "TCP", connect: (o) => dial({ hostname, port: tcp.port }, o) },
    {
      ...stream,
      name: "TLS",
      connect: (o) => dial({ hostname, port: tls.port, tls: { ca: cert } }, o),
    },
    { ...stream, name: "Unix socket", connect: (options) => dial({ unix }, options) },
  ]),
  { name: "TLS", tests: handshakes },
  {
    name: "streams over TCP",
    tests: streamTests({
      name: "TCP",
      async listen(protocol, options) {
        const socket = socketHandlers(protocol, options);
        const { port } = Bun.listen({ hostname, port: 0, allowHalfOpen, socket });
        return (other, given) => dial({ hostname, port }, given, other);
      },
    }),
  },
]);
process.exit();
