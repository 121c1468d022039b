// The peers of the TCP soak, in a process of their own. Of twenty, eleven are good, one reads slowly, two write slowly,
// two cut off inside a frame, one resets, three are hostile. Each lives, dies and comes back until told to stop.
import { createConnection } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { encodeFrame } from "framewright";
import { attach } from "framewright/node";
import { descriptors, descriptorsAfter, host, padOf, protocol, randomFrom, sleep } from "./tcp.mjs";

const [port, connections, seed] = process.argv.slice(2).map(Number);
const random = randomFrom(seed);
const upTo = (most) => Math.floor(random() * (most + 1));

function check(condition, text) {
  if (condition) return;
  console.error(`FAILED (peers, seed ${seed}, at most ${longestTurn()} ms late): ${text}`);
  process.exit(1);
}

/** How late this process was for its own timers, in milliseconds: a failure may be a machine that is too busy. */
const delay = monitorEventLoopDelay({ resolution: 20 });
delay.enable();
const longestTurn = () => Math.round(delay.max / 1e6);

const sent = {};
const lives = {};
let answers = 0;
let isStopping = false;
const count = (counts, kind) => {
  counts[kind] = (counts[kind] ?? 0) + 1;
};

// ---- peers that must not lose anything

const steady = {
  good: { bursts: 20, size: 8, pad: 300, want: 300, think: 3000 },
  // Asks for more than the sockets hold, and lets it lie.
  slowReader: { bursts: 4, size: 150, pad: 0, want: 60_000, think: 15_000 },
  // A few bytes at a time.
  slowWriter: { bursts: 8, size: 4, pad: 60, want: 300, think: 500 },
};

async function drip(socket, bytes) {
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + upTo(59);
    socket.write(bytes.subarray(at, end));
    at = end;
    await sleep(10 + upTo(60));
  }
}

/** One connection, from its first message to its end. `quiet` is called when told to stop: it has all its answers. */
async function talk(kind, id, quiet) {
  const { bursts, size, pad, want, think } = steady[kind];
  const socket = createConnection({ port, host, noDelay: true });
  const wanted = [];
  let next = 0;
  let received = 0;
  let answered = () => {};
  let info;
  let isClosed = () => {};
  const closed = new Promise((resolve) => {
    isClosed = resolve;
  });
  const connection = attach(socket, protocol, {
    message(_, value) {
      check(value.id === id, `${kind} ${id} got an answer for ${value.id}`);
      check(value.n === received, `${kind} ${id} got answer ${value.n}, not ${received}`);
      check(value.pad === padOf(value.n, wanted[value.n % size]), `${kind} ${id}: a wrong text`);
      received++;
      answers++;
      if (received === next) answered();
      else if (kind === "slowReader" && received % 50 === 0) rest(200);
    },
    close(_, given) {
      info = given;
      answered();
      isClosed();
    },
  });
  const rest = (ms) => {
    connection.pause();
    setTimeout(() => connection.resume(), ms);
  };
  const request = (i) => {
    wanted[i] = upTo(want);
    count(sent, kind);
    const n = next++;
    return { kind, id, n, pad: padOf(n, upTo(pad)), want: wanted[i] };
  };

  for (let burst = upTo(bursts); burst >= 0 && !isStopping; burst--) {
    const all = new Promise((resolve) => {
      answered = resolve;
    });
    const requests = Array.from({ length: size }, (_, i) => request(i));
    if (kind === "slowReader") rest(500 + upTo(1500));
    if (kind === "slowWriter") {
      await drip(socket, Buffer.concat(requests.map((value) => encodeFrame(protocol, value))));
    } else {
      for (const value of requests) connection.send(value);
    }
    await all;
    const why = info && `${info.by} ${info.error}`;
    check(received === next && !info, `${kind} ${id}: ${received} of ${next} answers, then ${why}`);
    await sleep(upTo(think));
  }
  // The server is to find some that are open and at rest.
  if (isStopping) quiet();
  else connection.close();
  await closed;
  const by = isStopping && info.by === "peer" ? "peer" : "local";
  check(info.by === by, `${kind} ${id} ended by ${info.by}: ${info.error}`);
}

// ---- peers that misbehave; each is done when its socket is closed

const some = (kind, id) =>
  Array.from({ length: 1 + upTo(5) }, (_, n) => {
    count(sent, kind);
    return encodeFrame(protocol, { kind, id, n, pad: padOf(n, 50), want: 50 });
  });
const half = encodeFrame(protocol, { kind: "half", id: 0, n: 0, pad: "", want: 0 }).subarray(0, 20);

const faults = {
  /** Whole frames, half a frame, the end. */
  cutOff: (socket, id) => socket.end(Buffer.concat([...some("cutOff", id), half])),
  reset(socket, id) {
    socket.write(Buffer.concat([...some("reset", id), half]));
    setTimeout(() => socket.resetAndDestroy(), upTo(50));
  },
  garbage: (socket) => socket.write(Uint8Array.from({ length: 5000 }, (_, i) => (i * 31) & 0xff)),
  /** Promises a gigabyte and sends a byte. */
  gigabyte: (socket) => socket.write(Uint8Array.of(0x40, 0, 0, 0, 1)),
  notJson: (socket) => socket.write(Uint8Array.of(0, 0, 0, 2, 0x7b, 0x7b)),
  /** Promises as much as is allowed, sends a byte now and then, and never gets there. */
  never(socket) {
    socket.write(Uint8Array.of(0, 0, 0xff, 0));
    const timer = setInterval(() => socket.write(Uint8Array.of(0x20)), 100);
    socket.once("close", () => clearInterval(timer));
  },
  silent() {},
  /** Asks for a lot and never reads. */
  glutton(socket, id) {
    socket.pause();
    let n = 0;
    const ask = () => {
      while (!socket.destroyed) {
        const value = { kind: "glutton", id, n: n++, pad: "", want: 60_000 };
        if (!socket.write(encodeFrame(protocol, value))) return;
      }
    };
    socket.on("drain", ask);
    ask();
  },
};
const hostile = ["garbage", "gigabyte", "notJson", "never", "silent", "glutton"];

/** These hold on as long as they are let; the server notices all others at once, and is to have noticed each. */
const lingering = ["never", "silent", "glutton"];
const counted = new Set();

async function misbehave(kind, id) {
  const socket = createConnection({ port, host, noDelay: true });
  // Else the server's half would stay open: what is read is of no interest.
  socket.resume();
  socket.on("error", () => {});
  let isOver = false;
  const over = new Promise((resolve) => {
    socket.once("close", () => {
      isOver = true;
      resolve();
    });
  });
  await Promise.race([over, sleep(upTo(2000))]);
  if (isStopping) {
    socket.destroy();
  } else if (!isOver) {
    count(lives, kind);
    faults[kind](socket, id);
    if (!lingering.includes(kind)) {
      counted.add(over);
      void over.then(() => counted.delete(over));
    }
  }
  await over;
}

// ---- all of them

const before = descriptors();
/** Until nothing more is on its way to the server, of what is counted. */
const quiet = [];
const peers = Array.from({ length: connections }, async (_, id) => {
  const place = id % 20;
  // More at once than the system keeps for a listener, and it lets some wait for seconds.
  const start = Math.floor(id / 50) * 20;
  if (place < 14) {
    const kind = place < 11 ? "good" : place < 12 ? "slowReader" : "slowWriter";
    let rests = () => {};
    quiet.push(
      new Promise((resolve) => {
        rests = resolve;
      }),
    );
    await sleep(start);
    while (!isStopping) {
      count(lives, kind);
      await talk(kind, id, rests);
    }
    // It may have ended on its own at the moment of the stop.
    rests();
    return;
  }
  let life = upTo(5);
  const live = async () => {
    await sleep(start);
    while (!isStopping) {
      const kind = place < 16 ? "cutOff" : place < 17 ? "reset" : hostile[life++ % hostile.length];
      await misbehave(kind, id);
      await sleep(upTo(1000));
    }
  };
  const done = live();
  if (place < 17) quiet.push(done);
  await done;
});

process.on("message", (text) => {
  if (text === "stop") isStopping = true;
});
void Promise.all(quiet)
  .then(() => Promise.all(counted))
  .then(() => process.send({ quiet: true }));
await Promise.all(peers);
const after = await descriptorsAfter(before);
process.send({ sent, lives, answers, descriptors: [before, after], late: longestTurn() });
// Ends by itself: nothing may be left that keeps it.
process.disconnect();
