// framewright/web over the web streams of Node or Bun, which a TCP socket is wrapped in.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { attachStreams } from "../../../src/transports/web/index.ts";
import { serverHandlers, wire } from "../../support/transport-server.ts";
import { toWeb } from "../../support/web-duplex.ts";
import { report, suitesOf } from "./runner.ts";

const host = "127.0.0.1";
const server = createServer({ allowHalfOpen: true }, (socket) => {
  attachStreams(toWeb(socket), wire, serverHandlers);
});
server.listen(0, host);
await once(server, "listening");
const { port } = server.address();

await report(
  suitesOf([
    {
      name: "web streams",
      boundary: "stream",
      pauses: true,
      halfCloses: true,
      async connect(options) {
        const socket = connect({ host, port, allowHalfOpen: true });
        await once(socket, "connect");
        return attachStreams(toWeb(socket), wire, options);
      },
    },
  ]),
);
process.exit();
