// Runs on Deno: a JSON-lines server on Deno's own connections, and a client. Ends by itself.
//
//   deno run --allow-net examples/deno.mjs
import { json, lines } from "framewright";
import { attachStreams } from "framewright/web";

const protocol = lines().wrap(json());

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
async function serve() {
  for await (const socket of listener) {
    attachStreams(socket, protocol, {
      context: () => ({ sum: 0 }),
      message(connection, { add }) {
        connection.context.sum += add;
        connection.send({ sum: connection.context.sum });
      },
    });
  }
}
const serving = serve();

const socket = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
const connection = attachStreams(socket, protocol, {
  close(_connection, { by }) {
    console.log(`closed by ${by}`);
    listener.close();
  },
});
for (const add of [1, 2, 3]) connection.send({ add });
for await (const { sum } of connection) {
  console.log(`sum: ${sum}`);
  if (sum === 6) connection.close();
}
await serving;
//=> sum: 1
//=> sum: 3
//=> sum: 6
//=> closed by local
