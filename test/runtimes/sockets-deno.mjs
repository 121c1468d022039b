// attachStreams over real connections of Deno: large frames echoed whole, in order, and closed.
import { lengthPrefixed, raw } from "framewright";
import { attachStreams } from "framewright/web";

const protocol = lengthPrefixed({ width: 4, maxFrame: 8 << 20 }).wrap(raw());
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
void (async () => {
  for await (const socket of listener) {
    attachStreams(socket, protocol, { message: (connection, bytes) => connection.send(bytes) });
  }
})();
const count = 40;
const size = 100_000;
const socket = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
const client = attachStreams(socket, protocol, { maxQueued: 64 << 20 });
for (let n = 0; n < count; n++) client.send(new Uint8Array(size).fill(n));
let received = 0;
for await (const bytes of client) {
  const n = received++;
  if (bytes.length !== size || bytes[0] !== n) throw new Error(`message ${n} is another one`);
  if (received === count) client.close();
}
if (received !== count) throw new Error(`${received} messages, not ${count}`);
console.log("ok");
Deno.exit(0);
