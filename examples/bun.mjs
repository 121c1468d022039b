// Runs on Bun: a JSON-lines server on Bun's own sockets, and a client. Ends by itself.
//
//   bun examples/bun.mjs
import { json, lines } from "framewright";
import { socketHandlers } from "framewright/bun";

const protocol = lines().wrap(json());

const server = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  allowHalfOpen: true, // a client that has ended its direction still receives replies
  socket: socketHandlers(protocol, {
    context: () => ({ sum: 0 }),
    message(connection, { add }) {
      connection.context.sum += add;
      connection.send({ sum: connection.context.sum });
    },
  }),
});

await Bun.connect({
  hostname: "127.0.0.1",
  port: server.port,
  allowHalfOpen: true,
  socket: socketHandlers(protocol, {
    open(connection) {
      for (const add of [1, 2, 3]) connection.send({ add });
    },
    message(connection, { sum }) {
      console.log(`sum: ${sum}`);
      if (sum === 6) connection.close();
    },
    close(_connection, { by }) {
      console.log(`closed by ${by}`);
      server.stop();
    },
  }),
});
//=> sum: 1
//=> sum: 3
//=> sum: 6
//=> closed by local
