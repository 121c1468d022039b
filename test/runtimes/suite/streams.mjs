// framewright/web over the web streams of Node or Bun, which a TCP socket is wrapped in.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { attachStreams } from "../../../src/transports/web/index.ts";
import { streamTests } from "../../support/stream-suite.ts";
import { serverHandlers, wire } from "../../support/transport-server.ts";
import { toWeb } from "../../support/web-duplex.ts";
import { report, suitesOf } from "./runner.ts";

const host = "127.0.0.1";

/** A server, and a function that connects to it. */
async function listen(protocol, options) {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    attachStreams(toWeb(socket), protocol, options);
  });
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address();
  return async (other, given) => {
    const socket = connect({ host, port, allowHalfOpen: true });
    await once(socket, "connect");
    return attachStreams(toWeb(socket), other, given);
  };
}
const dial = await listen(wire, serverHandlers);

await report([
  ...suitesOf([
    {
      name: "web streams",
      boundary: "stream",
      pauses: true,
      halfCloses: true,
      connect: (options) => dial(wire, options),
    },
  ]),
  { name: "streams over web streams", tests: streamTests({ name: "web streams", listen }) },
]);
process.exit();
