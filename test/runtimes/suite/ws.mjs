// framewright/web over both ends of `ws`, against itself, and against a server whose address is given.
import { WebSocket } from "ws";
import { attachWebSocket } from "../../../src/transports/web/index.ts";
import { wire } from "../../support/transport-server.ts";
import { startPeers } from "./peers.mjs";
import { report, suitesOf } from "./runner.ts";

const { url } = await startPeers();

await report(
  suitesOf(
    ["message", "stream"].map((boundary) => ({
      name: `ws, ${boundary} boundary`,
      boundary,
      pauses: true,
      halfCloses: false,
      codes: { malformed: 1002, tooLong: 1009 },
      connect: (options) =>
        attachWebSocket(new WebSocket(`${url}/${boundary}`), wire, { ...options, boundary }),
    })),
  ),
);
process.exit();
