// A custom protocol in the style of Workerman's manual, over TCP. Every package begins with a magic byte
// and its total length; single zero bytes between packages are heartbeats, which only `input` sees.
//
//   | a5 | total: u16 BE | JSON |
//   | 00 |
import { decodeUtf8, Output, type Protocol, ProtocolError, u16be } from "framewright";
import { connect, listen } from "framewright/node";
import { defineCodec } from "framewright/workerman";

const MAGIC = 0xa5;
const HEARTBEAT = 0x00;
const HEADER = 3;

interface Request {
  text: string;
}
interface Reply {
  code: number;
  msg: string;
}
/** The fields that `decode` adds from the connection's state. */
interface Numbered {
  number: number;
  heartbeats: number;
}

function chat<Sent, Received>(): Protocol<Sent, Received & Numbered> {
  return defineCodec<Sent, Received & Numbered, { packages: number; heartbeats: number }>({
    name: "chat",
    maxFrame: 64 * 1024,
    context: () => ({ packages: 0, heartbeats: 0 }),

    input(buffer, connection) {
      if (buffer[0] === HEARTBEAT) {
        connection.consume(1);
        connection.context.heartbeats++;
        return 0;
      }
      if (buffer[0] !== MAGIC) return false;
      if (buffer.length < HEADER) return 0;
      const total = u16be(buffer, 1);
      return total < HEADER ? false : total;
    },

    decode(bytes, { context }) {
      const value = JSON.parse(decodeUtf8(bytes, HEADER)) as Received;
      return { ...value, number: ++context.packages, heartbeats: context.heartbeats };
    },

    encode(value) {
      const out = new Output();
      out.u8(MAGIC);
      const length = out.reserve(2);
      out.utf8(JSON.stringify(value));
      return out.patch(length, 2, out.length).take();
    },
  });
}

const server = await listen(chat<Reply, Request>(), {
  port: 0,
  host: "127.0.0.1",
  message(connection, { text, number, heartbeats }) {
    connection.send({ code: 0, msg: `${text} was no. ${number}, after ${heartbeats} heartbeats` });
  },
  error(_, error) {
    if (error instanceof ProtocolError) console.log(`server: ${error.code}: ${error.message}`);
  },
});
const address = { port: server.port, host: "127.0.0.1" };

const client = await connect(chat<Request, Reply>(), address);
const heartbeat = Uint8Array.of(HEARTBEAT);
client.send({ text: "hello" });
client.sendFrame(heartbeat);
client.sendFrame(heartbeat);
client.send({ text: "again" });

// A client with another protocol: only its connection is closed.
const stranger = await connect(chat<Request, Reply>(), address);
stranger.sendFrame(Uint8Array.of(0x47, 0x45, 0x54));
for await (const reply of stranger) console.log("never", reply);

let count = 0;
for await (const { msg } of client) {
  console.log(`client: ${msg}`);
  if (++count === 2) client.send({ text: "still here" });
  if (count === 3) break;
}
client.close();
await server.close();
//=> server: malformed: input-refused: input returned false
//=> client: hello was no. 1, after 0 heartbeats
//=> client: again was no. 2, after 2 heartbeats
//=> client: still here was no. 3, after 2 heartbeats
