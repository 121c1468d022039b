// Logs in at a login server of skynet, and sends requests to its message server, over real sockets. The
// connection is cut while a request runs: the client reconnects, and the request is answered without being
// executed twice.
import { randomBytes } from "node:crypto";
import { connect } from "framewright/node";
import { SkynetClient, type StatusError, skynetLogin, username } from "framewright/skynet";
import { startServers } from "./_servers.ts";

const servers = await startServers(new Map([["alice", "rabbit"]]));
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const bytes = (content: string): Uint8Array => new TextEncoder().encode(content);

function logIn(password: string) {
  return skynetLogin({
    connect: (protocol, handlers) => connect(protocol, { port: servers.loginPort, ...handlers }),
    token: { user: "alice", server: "sample", password },
    random: randomBytes,
  });
}

await logIn("hare").catch((error: StatusError) => console.log(error.code, error.status));
//=> refused 401

const { secret, subid } = await logIn("rabbit");
console.log("subid", subid, "and a secret of", secret.length, "bytes");
//=> subid 1 and a secret of 8 bytes

let cut = (): void => {};
let ended: (status: number) => void = () => {};
const end = new Promise<number>((resolve) => {
  ended = resolve;
});
const client = new SkynetClient({
  async connect(protocol, handlers) {
    const connection = await connect(protocol, { port: servers.gamePort, ...handlers });
    cut = () => connection.abort(new Error("the cable is cut"));
    return connection;
  },
  username: username({ uid: "alice", server: "sample", subid }),
  secret,
  reconnect: { minDelay: 10 },
  open: () => console.log("connected"),
  retry: (_, { error }) => console.log(`again, because ${(error as Error).message}`),
  close: (_, error) => ended((error as StatusError).status),
});

console.log(text(await client.request(bytes("hello"))));
await client.request(bytes("fail")).catch((error: Error) => console.log(error.message));
//=> connected
//=> alice: hello
//=> the server's handler failed

const slow = client.request(bytes("slow 100"));
await client.request(bytes("quick"));
cut();
console.log(text(await slow), "- executed", servers.executed());
//=> again, because the cable is cut
//=> connected
//=> alice: slow - executed 4

// The same user logs in elsewhere: this login is over, and the client learns that when it reconnects.
await logIn("rabbit");
console.log("log in again: status", await end);
//=> again, because the connection was closed
//=> log in again: status 404
await servers.close();
