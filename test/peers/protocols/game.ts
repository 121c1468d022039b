// Both directions of a connection to the game of examples/skynet-websocket, in its two protocols.
import { readFile } from "../../../examples/skynet-websocket/_config.ts";
import { gameMessages } from "../../../examples/skynet-websocket/_protobuf.ts";
import { sprotoSide } from "../../../examples/skynet-websocket/_sproto.ts";
import { webSocket } from "./web-socket.ts";

const [calls, pushes] = ["c2s.sproto", "s2c.sproto"].map(readFile) as [string, string];
const protobuf = gameMessages(readFile("common.proto"), readFile("game.proto"));

export const sprotoClient = webSocket("sproto client", sprotoSide(calls, pushes).messages);
export const sprotoServer = webSocket("sproto server", sprotoSide(pushes, calls).messages);
export const protobufClient = webSocket("protobuf client", protobuf.serverProtocol);
export const protobufServer = webSocket("protobuf server", protobuf.clientProtocol);
