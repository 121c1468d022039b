// framewright/web in workerd: its TCP and TLS sockets and WebSockets as a client, and both ends of a WebSocketPair.
import { connect } from "cloudflare:sockets";
import { attachStreams, attachWebSocket } from "../../../src/transports/web/index.ts";
import { serverHandlers, wire } from "../../support/transport-server.ts";
import { runSuites, suitesOf } from "./runner.ts";

const stream = { boundary: "stream", pauses: true, halfCloses: true };

/** Over TCP, to the server at this port. */
const tcp = (port) => ({
  ...stream,
  name: "TCP socket of workerd",
  async connect(options) {
    const socket = connect({ hostname: "127.0.0.1", port }, { allowHalfOpen: true });
    await socket.opened;
    return attachStreams(socket, wire, options);
  },
});

/** Over TLS from the first byte, or from `startTls` on. */
const tls = (port, secureTransport) => ({
  ...stream,
  name: `TLS socket of workerd, ${secureTransport}`,
  async connect(options) {
    const place = { hostname: "127.0.0.1", port };
    const plain = connect(place, { allowHalfOpen: true, secureTransport });
    const socket = secureTransport === "on" ? plain : plain.startTls();
    await socket.opened;
    return attachStreams(socket, wire, options);
  },
});

// A WebSocket of workerd has no bufferedAmount, nor anything else that tells how much of what was sent is out.
const webSocket = (boundary) => ({
  boundary,
  pauses: false,
  blocks: false,
  halfCloses: false,
  codes: { malformed: 1002, tooLong: 1009 },
});

const toWs = (url) => (boundary) => ({
  ...webSocket(boundary),
  name: `WebSocket of workerd, ${boundary} boundary, to ws`,
  connect: (options) =>
    attachWebSocket(new WebSocket(`${url}/${boundary}`), wire, { ...options, boundary }),
});

const pair = (boundary) => ({
  ...webSocket(boundary),
  name: `WebSocketPair, ${boundary} boundary`,
  server: { pauses: false, blocks: false },
  connect(options) {
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    attachWebSocket(server, wire, { ...serverHandlers, boundary });
    client.accept();
    return attachWebSocket(client, wire, { ...options, boundary });
  },
});

/** A server for clients outside. In a Durable Object, for there a request may use the sockets of another one. */
export class Server {
  fetch(request) {
    const { 0: client, 1: server } = new WebSocketPair();
    const boundary = new URL(request.url).pathname.slice(1);
    server.accept();
    attachWebSocket(server, wire, { ...serverHandlers, boundary });
    return new Response(null, { status: 101, webSocket: client });
  }
}

export default {
  async fetch(request, { SERVER }) {
    if (request.headers.get("upgrade") === "websocket") {
      return SERVER.get(SERVER.idFromName("server")).fetch(request);
    }
    const { port, tlsPort, url } = await request.json();
    const boundaries = ["message", "stream"];
    const transports = [
      tcp(port),
      ...["on", "starttls"].map((when) => tls(tlsPort, when)),
      ...boundaries.map(toWs(url)),
      ...boundaries.map(pair),
    ];
    return Response.json(await runSuites(suitesOf(transports)));
  },
};
