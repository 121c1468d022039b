// Clients of a comet. Every client compares every byte of every push.
import { connect } from "node:net";
import { WebSocket } from "ws";
import { cpuTime } from "../peers/load.mjs";
import { HEADER, packet, wireOf } from "./pushes.mjs";

const host = "127.0.0.1";
const AUTH = packet(7, Buffer.from('{"mid":1}'), 1, 1);
const AUTH_REPLY = 8;

/** Checks what one client receives, against the pushes that are on their way. */
class Receiver {
  #load;
  #seen = new Uint8Array(0);
  #left = 0;
  #isAdmitted = false;

  constructor(load) {
    this.#load = load;
  }

  expect(count) {
    this.#seen = new Uint8Array(count);
    this.#left = count;
  }

  /** Takes one packet: `bytes[start .. end)`. */
  packet(bytes, start, end) {
    const load = this.#load;
    if (!this.#isAdmitted) {
      if (bytes.readInt32BE(start + 8) !== AUTH_REPLY) throw new Error("not admitted");
      this.#isAdmitted = true;
      load.admitted();
      return;
    }
    // Go's comet starts a goroutine for each broadcast, so pushes may overtake each other.
    const i = bytes.readInt32BE(start + load.numberAt) - load.first;
    const expected = load.expected[i];
    if (expected === undefined || this.#seen[i] === 1) throw new Error(`unexpected push ${i}`);
    if (expected.compare(bytes, start, end) !== 0) throw new Error(`push ${i} differs`);
    this.#seen[i] = 1;
    if (--this.#left === 0) load.received();
  }
}

/** A number of clients of one comet, connected until `close`. */
export class Load {
  #pid;
  #isWebSocket;
  #clients = [];
  #receivers = [];
  #control;
  #waiting = 0;
  #done = () => {};
  #fail = () => {};
  #next = 1;
  #isClosed = false;
  first = 0;
  expected = [];

  constructor(pid, isWebSocket) {
    this.#pid = pid;
    this.#isWebSocket = isWebSocket;
    this.numberAt = isWebSocket ? 2 * HEADER : HEADER;
  }

  /** Connects `count` clients and waits until all are admitted. */
  async open({ tcp, webSocket, control }, count) {
    this.#control = connect({ host, port: control, noDelay: true });
    await this.#all(count, () => {
      for (let i = 0; i < count; i++) {
        const receiver = new Receiver(this);
        this.#receivers.push(receiver);
        this.#clients.push(
          this.#isWebSocket
            ? this.#overWebSocket(webSocket, receiver)
            : this.#overTcp(tcp, receiver),
        );
      }
    });
  }

  /**
   * Has the comet push `count` packets to all clients: `atOnce` of them one after the other, and the next ones as soon as
   * every client has received these. Returns nanoseconds of the comet's CPU time for each message that a client received.
   */
  async run({ kind, count, atOnce, size }) {
    const rounds = [];
    for (let i = 0; i < count; i += atOnce) {
      const first = this.#next;
      this.#next += atOnce;
      rounds.push({
        first,
        expected: Array.from({ length: atOnce }, (_, k) =>
          wireOf(first + k, size, this.#isWebSocket),
        ),
      });
    }
    const before = cpuTime(this.#pid);
    for (const { first, expected } of rounds) {
      this.first = first;
      this.expected = expected;
      for (const receiver of this.#receivers) receiver.expect(atOnce);
      await this.#all(this.#receivers.length, () => {
        this.#control.write(`${kind} ${first} ${atOnce} ${size}\n`);
      });
    }
    return (cpuTime(this.#pid) - before) / (count * this.#receivers.length);
  }

  admitted() {
    this.received();
  }

  /** Called when a client has received all that it expects. */
  received() {
    if (--this.#waiting === 0) this.#done();
  }

  close() {
    this.#isClosed = true;
    for (const client of this.#clients) (client.terminate ?? client.destroy).call(client);
    this.#control.destroy();
  }

  #all(count, begin) {
    return new Promise((resolve, reject) => {
      this.#waiting = count;
      this.#done = resolve;
      this.#fail = reject;
      begin();
    });
  }

  #guard(client) {
    client.on("error", this.#fail);
    client.on("close", () => {
      if (!this.#isClosed) this.#fail(new Error("the comet closed a connection"));
    });
    return client;
  }

  #checked(receive) {
    return (chunk) => {
      try {
        receive(chunk);
      } catch (error) {
        this.#fail(error);
      }
    };
  }

  #overTcp(port, receiver) {
    const socket = connect({ host, port, noDelay: true }, () => socket.write(AUTH));
    let left;
    socket.on(
      "data",
      this.#checked((chunk) => {
        const bytes = left === undefined ? chunk : Buffer.concat([left, chunk]);
        let at = 0;
        while (bytes.length - at >= HEADER) {
          const end = at + bytes.readInt32BE(at);
          if (end > bytes.length) break;
          receiver.packet(bytes, at, end);
          at = end;
        }
        left = at === bytes.length ? undefined : bytes.subarray(at);
      }),
    );
    return this.#guard(socket);
  }

  #overWebSocket(port, receiver) {
    const socket = new WebSocket(`ws://${host}:${port}/sub`, { perMessageDeflate: false });
    socket.on("open", () => socket.send(AUTH));
    socket.on(
      "message",
      this.#checked((bytes) => receiver.packet(bytes, 0, bytes.length)),
    );
    return this.#guard(socket);
  }
}
