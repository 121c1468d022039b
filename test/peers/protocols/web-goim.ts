// Either direction of goim on WebSockets.
import { goim } from "framewright/goim";
import { webSocket } from "./web-socket.ts";

export const binary = webSocket("goim on web sockets", goim({ flatten: true }));
