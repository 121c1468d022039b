// Load for echo servers: many connections with many messages in flight, every byte of every reply compared; and an open
// loop, which sends on time whether replies come or not, for latencies.
import { readdirSync, readFileSync } from "node:fs";
import { connect as dial } from "node:net";

const RING = 251;
const host = "127.0.0.1";

/** Nanoseconds of CPU time of all threads of a process. */
export function cpuTime(pid) {
  let total = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    total += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  return total;
}

const WORDS = "the quick brown fox jumps over a lazy dog and runs away from it ";
const CHINESE = "今天天气很好我们一起去公园散步然后回家吃饭看电视睡觉明天再见";

/** A JSON line of about `size` bytes. Keys are in alphabetical order, because Go sorts them. */
function line(i, size, isChinese) {
  const id = 100 + i;
  const items =
    size < 512
      ? undefined
      : Array.from({ length: 10 }, (_, k) => ({
          id: i * 10 + k + 1000,
          name: `item-${k}`,
          price: k + 10.5,
          tags: ["new", "sale"],
        }));
  const value = (content) =>
    `${JSON.stringify({ content, id, ...(items && { items }), type: "message" })}\n`;
  const source = isChinese ? CHINESE : WORDS;
  let content = "";
  for (let k = i; Buffer.byteLength(value(content + source[k % source.length])) <= size; k++) {
    content += source[k % source.length];
  }
  return Buffer.from(value(content));
}

function frame(i, size) {
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32BE(size - 4);
  for (let k = 4, x = i + 1; k < size; k++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    bytes[k] = x >>> 24;
  }
  return bytes;
}

/** A ring of different messages. `text`: `'ascii'`, `'chinese'` or `'mixed'` (one line in ten Chinese). */
export function ring(kind, size, text = "ascii") {
  return Array.from({ length: RING }, (_, i) =>
    kind === "frames"
      ? frame(i, size)
      : line(i, size, text === "chinese" || (text === "mixed" && i % 10 === 3)),
  );
}

/** A client: sends messages of the ring in order and compares what comes back, byte by byte. */
class Client {
  constructor(port, messages, at, onReplies, onError) {
    this.messages = messages;
    this.next = at;
    this.expected = at;
    this.inside = 0;
    this.socket = dial({ port, host, noDelay: true });
    this.socket.on("error", onError);
    this.socket.on("data", (chunk) => {
      let replies = 0;
      for (let from = 0; from < chunk.length; ) {
        const message = messages[this.expected % RING];
        const size = Math.min(message.length - this.inside, chunk.length - from);
        if (message.compare(chunk, from, from + size, this.inside, this.inside + size) !== 0) {
          onError(new Error("the echo differs"));
          this.socket.destroy();
          return;
        }
        from += size;
        this.inside += size;
        if (this.inside === message.length) {
          this.inside = 0;
          this.expected++;
          replies++;
        }
      }
      if (replies > 0) onReplies(this, replies);
    });
  }

  send(count) {
    const batch = [];
    for (let i = 0; i < count; i++) batch.push(this.messages[this.next++ % RING]);
    this.socket.write(batch.length === 1 ? batch[0] : Buffer.concat(batch));
  }
}

/**
 * Closed loop: `depth` messages in flight on each of `connections`. Returns nanoseconds of the server's CPU time per
 * message.
 */
export async function closedLoop({ port, pid, messages, connections, depth, count }) {
  const each = Math.ceil(count / connections);
  const warm = 2 * depth;
  let before;
  await new Promise((resolve, reject) => {
    let warming = connections;
    let running = connections;
    const clients = Array.from({ length: connections }, (_, i) => {
      let sent = 0;
      let replied = 0;
      let goal = warm;
      const client = new Client(
        port,
        messages,
        i * 7,
        (_, replies) => {
          replied += replies;
          const more = Math.min(replies, goal - sent);
          if (more > 0) {
            sent += more;
            client.send(more);
          }
          if (replied !== goal) return;
          if (goal === warm) {
            // All begin together, once all connections are accepted and served.
            if (--warming > 0) return;
            before = cpuTime(pid);
            for (const start of starts) start();
          } else if (--running === 0) {
            resolve();
          }
        },
        reject,
      );
      client.begin = () => {
        goal = warm + each;
        sent += Math.min(depth, each);
        client.send(Math.min(depth, each));
      };
      client.socket.on("connect", () => {
        sent = depth;
        client.send(depth);
      });
      return client;
    });
    const starts = clients.map((client) => client.begin);
    closers.add(() => clients.forEach((client) => void client.socket.destroy()));
  });
  const used = cpuTime(pid) - before;
  for (const close of closers) close();
  closers.clear();
  return used / (each * connections);
}

const closers = new Set();

/**
 * Open loop: `rate` messages a second over all connections, on time. A late reply delays no later message, so a server
 * that stalls is charged for all that should have come meanwhile. Returns latencies in milliseconds, in order of size.
 */
export async function openLoop({ port, messages, connections, rate, seconds }) {
  const latencies = [];
  const total = rate * seconds;
  await new Promise((resolve, reject) => {
    const clients = Array.from({ length: connections }, (_, i) => {
      const due = [];
      const client = new Client(
        port,
        messages,
        i * 7,
        (_, replies) => {
          const now = performance.now();
          for (let k = 0; k < replies; k++) latencies.push(now - due.shift());
          if (latencies.length === total) resolve();
        },
        reject,
      );
      client.due = due;
      return client;
    });
    closers.add(() => clients.forEach((client) => void client.socket.destroy()));
    const begin = performance.now() + 200;
    let sent = 0;
    const tick = () => {
      const due = Math.min(total, Math.floor(((performance.now() - begin) * rate) / 1000));
      for (; sent < due; sent++) {
        const client = clients[sent % connections];
        client.due.push(begin + ((sent + 1) * 1000) / rate);
        client.send(1);
      }
      if (sent < total) setImmediate(tick);
    };
    tick();
  });
  for (const close of closers) close();
  closers.clear();
  return latencies.sort((a, b) => a - b);
}
