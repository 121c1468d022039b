// framewright/web on Deno: its connections are streams, its WebSockets those of browsers, on either side.
import { attachStreams, attachWebSocket } from "../../../src/transports/web/index.ts";
import { streamTests } from "../../support/stream-suite.ts";
import { serverHandlers, wire } from "../../support/transport-server.ts";
import { report, suitesOf } from "./runner.ts";

const hostname = "127.0.0.1";
const path = `${Deno.cwd()}/${Deno.pid}.sock`;
const cert = Deno.readTextFileSync("tls-cert.pem");
const key = Deno.readTextFileSync("tls-key.pem");
const stream = { boundary: "stream", pauses: true, halfCloses: true };

function serve(listener, protocol = wire, options = serverHandlers) {
  void (async () => {
    for await (const socket of listener) attachStreams(socket, protocol, options);
  })();
  return listener.addr.port;
}

const tcp = serve(Deno.listen({ hostname, port: 0 }));
const tls = serve(Deno.listenTls({ hostname, port: 0, cert, key }));
serve(Deno.listen({ transport: "unix", path }));

// The path says what a message is.
const web = Deno.serve({ hostname, port: 0, onListen() {} }, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request);
  const boundary = new URL(request.url).pathname.slice(1);
  attachWebSocket(socket, wire, { ...serverHandlers, boundary });
  return response;
});

const webSocket = (boundary) => ({
  name: `WebSocket, ${boundary} boundary, to Deno.upgradeWebSocket`,
  boundary,
  pauses: false,
  halfCloses: false,
  codes: { malformed: 4002, tooLong: 4009 },
  server: { pauses: false, blocks: true },
  connect: (options) =>
    attachWebSocket(new WebSocket(`ws://${hostname}:${web.addr.port}/${boundary}`), wire, {
      ...options,
      boundary,
    }),
});

// The writable of a connection of Deno (2.9.6) closes all of it, so nothing comes after our own half has ended.
const halfCloseFails = {
  "delivers what comes after our own half has ended": "the answer: []",
  "pipes 5 MB both ways, and the end of each side": "what came",
};
const streams = streamTests({
  name: "Deno.connect",
  async listen(protocol, options) {
    const port = serve(Deno.listen({ hostname, port: 0 }), protocol, options);
    return async (other, given) =>
      attachStreams(await Deno.connect({ hostname, port }), other, given);
  },
});

await report([
  ...suitesOf([
    {
      ...stream,
      name: "Deno.connect",
      connect: async (o) => attachStreams(await Deno.connect({ hostname, port: tcp }), wire, o),
    },
    {
      ...stream,
      name: "Deno.connectTls",
      async connect(options) {
        const socket = await Deno.connectTls({ hostname, port: tls, caCerts: [cert] });
        return attachStreams(socket, wire, options);
      },
    },
    {
      ...stream,
      name: "Deno.connect, Unix socket",
      async connect(options) {
        return attachStreams(await Deno.connect({ transport: "unix", path }), wire, options);
      },
    },
    webSocket("message"),
    webSocket("stream"),
  ]),
  { name: "streams over Deno.connect", tests: streams, fails: halfCloseFails },
]);
Deno.exit();
