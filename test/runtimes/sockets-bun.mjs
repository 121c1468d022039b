// framewright/bun over real sockets of Bun: frames larger than a socket takes, echoed whole, in order, and closed.
import { lengthPrefixed, raw } from "framewright";
import { socketHandlers } from "framewright/bun";

const protocol = lengthPrefixed({ width: 4, maxFrame: 8 << 20 }).wrap(raw());
const server = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  allowHalfOpen: true,
  socket: socketHandlers(protocol, { message: (connection, bytes) => connection.send(bytes) }),
});
const count = 40;
const size = 700_000;
let received = 0;
await new Promise((resolve, reject) => {
  Bun.connect({
    hostname: "127.0.0.1",
    port: server.port,
    allowHalfOpen: true,
    socket: socketHandlers(protocol, {
      maxQueued: 64 << 20,
      open(connection) {
        for (let n = 0; n < count; n++) connection.send(new Uint8Array(size).fill(n));
      },
      message(connection, bytes) {
        const n = received++;
        if (bytes.length !== size || bytes[0] !== n || bytes[size - 1] !== n) {
          reject(new Error(`message ${n} is another one`));
        }
        if (received === count) connection.close();
      },
      close: (_, { by, error }) => (by === "local" ? resolve() : reject(error ?? new Error(by))),
    }),
  });
});
if (received !== count) throw new Error(`${received} messages, not ${count}`);
server.stop(true);
console.log("ok");
