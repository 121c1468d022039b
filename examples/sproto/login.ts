// A login service like the one in skynet's examples: server and client, over a real socket.
import { connectTo } from "./_client.ts";
import { startServer } from "./_server.ts";

const server = await startServer({ secrets: new Map([["alice", "rabbit"]]), heartbeat: 20 });

let heard: (beat: number) => void = () => {};
const client = await connectTo(server.port, (beat) => heard(beat));

const { msg } = await client.request("handshake");
console.log(msg);
//=> Welcome, I will send heartbeats.

console.log(await client.request("login", { name: "alice", secret: "hare" }));
//=> { ok: false, why: 'wrong name or secret' }
console.log(await client.request("login", { name: "alice", secret: "rabbit" }));
//=> { ok: true }

// `set` has no response: its answer confirms that it was received. A push would not wait for that.
await client.request("set", { what: "hello", value: "world" });
console.log(await client.request("get", { what: "hello" }));
//=> { result: 'world' }
console.log(await client.request("get", { what: "nothing" }));
//=> {}

await new Promise<void>((resolve) => {
  heard = () => resolve();
});
console.log("the server lives");
//=> the server lives

client.notify("quit");
await server.close();
