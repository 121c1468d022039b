// A small Redis server and its client: commands without waiting for replies (pipelining), replies in order,
// and pushes between them. With a real server the client is the same: connect(client(), { port: 6379 }).
import type { Connection } from "framewright";
import { connect, listen } from "framewright/node";
import { client, Push, ReplyError, Status, server, type Value } from "./_resp.ts";

type Peer = Connection<Value, readonly string[]>;

const data = new Map<string, string>();
const subscribers = new Set<Peer>();

function answer(peer: Peer, [name = "", ...args]: readonly string[]): Value {
  const [key = "", value = ""] = args;
  switch (name.toUpperCase()) {
    case "HELLO":
      return new Map([["proto", 3]]);
    case "SET":
      data.set(key, value);
      return new Status("OK");
    case "GET":
      return data.get(key) ?? null;
    case "MGET":
      return args.map((one) => data.get(one) ?? null);
    case "INCR": {
      const number = Number(data.get(key) ?? 0) + 1;
      if (!Number.isSafeInteger(number)) return new ReplyError("ERR value is not an integer");
      data.set(key, String(number));
      return number;
    }
    case "SUBSCRIBE":
      subscribers.add(peer);
      return new Push(["subscribe", key, subscribers.size]);
    case "PUBLISH":
      for (const one of subscribers) one.send(new Push(["message", key, value]));
      return subscribers.size;
    default:
      return new ReplyError(`ERR unknown command '${name}'`);
  }
}

const redis = await listen(server(), {
  port: 0,
  message: (peer, command) => void peer.send(answer(peer, command)),
  close: (peer) => void subscribers.delete(peer),
});

const connection = await connect(client(), { port: redis.port! });
for (const command of [
  ["HELLO", 3],
  ["SET", "greeting", "h\u00e9llo"],
  ["INCR", "visits"],
  ["MGET", "greeting", "visits", "nothing"],
  ["INCR", "greeting"],
  ["SUBSCRIBE", "news"],
  ["PUBLISH", "news", "it works"],
] as const) {
  connection.send(command);
}
// Commands are answered in order, except SUBSCRIBE, which is answered by a push.
let replies = 0;
for await (const reply of connection) {
  if (reply instanceof Push) {
    console.log("push:", reply.items.join(" "));
    continue;
  }
  console.log(reply instanceof ReplyError ? `error: ${reply.message}` : reply);
  if (++replies === 6) break;
}
await redis.close();
//=> Map(1) { 'proto' => 3 }
//=> OK
//=> 1
//=> [ 'héllo', '1', null ]
//=> error: ERR value is not an integer
//=> push: subscribe news 1
//=> push: message news it works
//=> 1
