// A chat in the terminal, over goim.
//
//   node examples/goim/chat.mjs serve [tcp port] [WebSocket port]
//   node examples/goim/chat.mjs join tcp://127.0.0.1:3101 123
//   node examples/goim/chat.mjs join ws://127.0.0.1:3102/sub 456
//
// In the chat: "/enter 9000" enters a group, "/tell 456 hello" writes to one user, anything else goes to
// the group. Without arguments it plays a scene with two users, and ends.
import { createInterface } from "node:readline";
import { join } from "./_client.mjs";
import { startComet } from "./_comet.mjs";

const [mode, ...args] = process.argv.slice(2);
const WORD = process.env.MKEY ?? "xxoo";

async function serve(tcp = "3101", webSocket = "3102") {
  const server = await startComet({ tcp: Number(tcp), webSocket: Number(webSocket) });
  console.log(`comet on ${server.tcp} and ${server.webSocket}`);
  process.once("SIGINT", () => server.close().then(() => process.exit()));
}

async function talk(address, mid) {
  const chat = join(address, Number(mid), WORD, (text) => console.log(text));
  let group = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    const [, command, number, text] = /^\/(enter|tell) (\d+) ?(.*)$/.exec(line) ?? [];
    try {
      if (command === "enter") {
        group = Number(number);
        await chat.enter(group);
        console.log(`you are in ${group}`);
      } else {
        const arrived = await (command === "tell"
          ? chat.tell(Number(number), text)
          : chat.say(group, line));
        if (!arrived) console.log("nobody is there");
      }
    } catch (error) {
      console.log(error.message);
    }
  }
  chat.close();
}

/** The output for one user, which the scene waits for. */
function inbox() {
  const texts = [];
  let wake = () => {};
  return {
    print(text) {
      texts.push(text);
      wake();
    },
    async next() {
      while (texts.length === 0) await new Promise((resolve) => (wake = resolve));
      return texts.shift();
    },
  };
}

async function scene() {
  const server = await startComet({ tcp: 0, webSocket: 0 });
  const [ann, bob] = [inbox(), inbox()];
  const annChat = join(server.tcp, 123, WORD, ann.print);
  const bobChat = join(server.webSocket, 456, WORD, bob.print);
  console.log("ann, TCP:", await ann.next());
  //=> ann, TCP: connected
  console.log("bob, WebSocket:", await bob.next());
  //=> bob, WebSocket: connected

  await Promise.all([annChat.enter(9000), bobChat.enter(9000)]);
  console.log("said:", await annChat.say(9000, "hello, everybody"));
  //=> said: true
  console.log("ann reads:", await ann.next());
  //=> ann reads: 123 in 9000: hello, everybody
  console.log("bob reads:", await bob.next());
  //=> bob reads: 123 in 9000: hello, everybody

  console.log("told:", await bobChat.tell(123, "你好"));
  //=> told: true
  console.log("ann reads:", await ann.next());
  //=> ann reads: 456: 你好
  console.log("told:", await bobChat.tell(789, "anybody?"));
  //=> told: false

  const eve = inbox();
  join(server.tcp, 666, "wrong word", eve.print);
  console.log("eve:", (await eve.next()).split(";")[0]);
  //=> eve: refused

  // The client replaces a lost connection itself.
  for (const { connection } of server.comet.sessions) connection.abort();
  console.log("ann:", (await ann.next()).split(";")[0]);
  //=> ann: closed
  console.log("ann:", await ann.next());
  //=> ann: connected

  annChat.close();
  bobChat.close();
  await server.close();
}

if (mode === "serve") await serve(...args);
else if (mode === "join") await talk(...args);
else await scene();
