// A chat over WebSocket: one room on a server of `ws`, and two clients that talk in it. Ends by itself.
import type { AddressInfo } from "node:net";
import { type Connection, encodeFrame, json, perMessage } from "framewright";
import { attachWebSocket, connectWebSocket } from "framewright/web";
import { WebSocket, WebSocketServer } from "ws";

type Said =
  | { readonly op: "join"; readonly name: string }
  | { readonly op: "say"; readonly text: string };
type Heard = { readonly from: string; readonly text: string };

// Each WebSocket message is one JSON text. The two ends have opposite input and output types.
const maxFrame = 4096;
const serverSide = perMessage({ maxFrame }).wrap(json<Heard, Said>());
const clientSide = perMessage({ maxFrame }).wrap(json<Said, Heard>());

interface Member {
  name: string;
}
const room = new Set<Connection<Heard, Said, Member>>();

/** Sends to everyone in the room: encoded once. */
function tell(heard: Heard): void {
  const frame = encodeFrame(serverSide, heard);
  for (const member of room) member.sendFrame(frame);
}

// `ws` rejects messages that are too long before they are in memory.
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, maxPayload: maxFrame });
await new Promise((resolve) => server.once("listening", resolve));
server.on("connection", (socket) => {
  attachWebSocket<Heard, Said, Member>(socket, serverSide, {
    context: () => ({ name: "" }),
    firstMessageTimeout: 5000,
    message(connection, said) {
      if (said.op === "say") return tell({ from: connection.context.name, text: said.text });
      connection.context.name = said.name;
      room.add(connection);
      tell({ from: "room", text: `${said.name} is here` });
    },
    close(connection) {
      if (room.delete(connection)) tell({ from: "room", text: `${connection.context.name} left` });
    },
  });
});

/** Joins the room as a user. */
function join(name: string, hear: (heard: Heard, say: (text: string) => void) => void) {
  const { port } = server.address() as AddressInfo;
  return connectWebSocket(`ws://127.0.0.1:${port}`, clientSide, {
    WebSocket, // not needed in Node 22 and browsers
    reconnect: true,
    open: (connection) => connection.send({ op: "join", name }),
    message: (connection, heard) => hear(heard, (text) => connection.send({ op: "say", text })),
  });
}

const alice = join("alice", ({ from, text }, say) => {
  console.log(`${from}: ${text}`);
  if (from === "bob") say("hello, bob");
  if (text === "bob left") {
    alice.close();
    server.close();
  }
});
await alice.ready();
const bob = join("bob", ({ from, text }, say) => {
  if (text === "bob is here") say("hello, alice");
  if (from === "alice") bob.close();
});
//=> room: alice is here
//=> room: bob is here
//=> bob: hello, alice
//=> alice: hello, bob
//=> room: bob left
