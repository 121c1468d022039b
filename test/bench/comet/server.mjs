// Our comet for the comparison: `node server.mjs TCP_PORT WEBSOCKET_PORT CONTROL_PORT`.
import { createServer } from "node:net";
import { Comet } from "framewright/goim";
import { listen } from "framewright/node";
import { attachWebSocket } from "framewright/web";
import { WebSocketServer } from "ws";
import { bodyOf, OPERATION, ROOM } from "./pushes.mjs";

const host = "127.0.0.1";
const [tcp, webSocket, control] = process.argv.slice(2).map(Number);

const comet = new Comet({
  authenticate: () => ({ user: 1, room: ROOM, accepts: [OPERATION] }),
});

await listen(comet.protocol, { host, port: tcp, ...comet.handlers });

const webSockets = new WebSocketServer({ host, port: webSocket, path: "/sub", maxPayload: 4112 });
webSockets.on("connection", (socket, { socket: stream }) => {
  attachWebSocket(socket, comet.messageProtocol, { stream, ...comet.handlers });
});

const push = {
  broadcast: (packet) => comet.broadcast(packet),
  room: (packet) => comet.pushRoom(ROOM, packet),
};

// Lines: `broadcast FIRST COUNT SIZE` and `room FIRST COUNT SIZE`. Each is sent after the one before it was done.
createServer((socket) => {
  socket.on("data", (line) => {
    const [kind, ...numbers] = line.toString("latin1").split(" ");
    const [first, count, size] = numbers.map(Number);
    for (let i = 0; i < count; i++) push[kind]({ op: OPERATION, body: bodyOf(first + i, size) });
  });
  socket.on("error", () => {});
}).listen(control, host);
