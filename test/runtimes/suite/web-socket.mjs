// framewright/web over the runtime's own WebSocket class, against a server of `ws` in another process.
import { attachWebSocket } from "../../../src/transports/web/index.ts";
import { wire } from "../../support/transport-server.ts";
import { report, suitesOf } from "./runner.ts";

const url = process.argv[2];
// Bun's class can do more than browsers allow: it stops reading, and closes with any code.
const isBun = "Bun" in globalThis;

await report(
  suitesOf(
    ["message", "stream"].map((boundary) => ({
      name: `WebSocket, ${boundary} boundary, to ws`,
      boundary,
      pauses: isBun,
      halfCloses: false,
      codes: isBun ? { malformed: 1002, tooLong: 1009 } : { malformed: 4002, tooLong: 4009 },
      connect: (options) =>
        attachWebSocket(new WebSocket(`${url}/${boundary}`), wire, { ...options, boundary }),
    })),
  ),
);
process.exit();
