// framewright/web in workerd as a server of WebSockets, against clients of `ws`. The address is given.
import { WebSocket } from "ws";
import { attachWebSocket } from "../../../src/transports/web/index.ts";
import { wire } from "../../support/transport-server.ts";
import { report, suitesOf } from "./runner.ts";

const url = process.argv[2];

await report(
  suitesOf(
    ["message", "stream"].map((boundary) => ({
      name: `ws, ${boundary} boundary, to WebSocketPair`,
      boundary,
      pauses: true,
      halfCloses: false,
      codes: { malformed: 1002, tooLong: 1009 },
      server: { pauses: false, blocks: false },
      connect: (options) =>
        attachWebSocket(new WebSocket(`${url}/${boundary}`), wire, { ...options, boundary }),
    })),
  ),
);
process.exit();
