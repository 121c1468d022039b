// The peers of the TCP soak, in a process of their own. Each lives as planned, gives an account of its connection, and
// lives again: so often as it is told, or until it is told to stop. Then what is open stays so, until the server closes.
import { createConnection, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, encodeFrame } from "framewright";
import { attach } from "framewright/node";
import type { PeerAccount } from "./support/ledger.ts";
import {
  type Answer,
  difference,
  type Life,
  lengthOf,
  planOf,
  type Request,
  STEADY,
} from "./support/plan.ts";
import { holdingsAtRest, lateness } from "./support/process.ts";
import { asking, codeOf, type FromPeers, HOST, type ToPeers, usesOfPorts } from "./support/wire.ts";

const [port, connections, seed, lives, pace] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
  number,
  number,
];
const plan = planOf(seed, Number.isFinite(lives));
const useOf = usesOfPorts();
const late = lateness();

const tell = (message: FromPeers): void => void process.send!(message);

function fail(why: string): never {
  tell({ failure: why });
  // Not before it is told.
  process.disconnect();
  process.exit(1);
}

// ---- what the other process says

/** Something that happens once. */
function signal(): { readonly seen: Promise<void>; give(): void; isGiven: boolean } {
  let give = (): void => {};
  const seen = new Promise<void>((resolve) => {
    give = resolve;
  });
  const made = {
    seen,
    isGiven: false,
    give() {
      made.isGiven = true;
      give();
    },
  };
  return made;
}

const stop = signal();
/** Slow readers that rest until the server has felt it. */
const resting = new Map<string, () => void>();

process.on("message", (message: ToPeers) => {
  if (message !== "stop") {
    if ("felt" in message) resting.get(message.felt)?.();
    else taken = message.taken;
    return;
  }
  stop.give();
  void sleep(20).then(async () => {
    while (connecting > 0) await sleep(20);
    tell({ connections: made });
  });
});
// Alone there is nothing to be done.
process.once("disconnect", () => process.exit(1));

// ---- accounts, some at a time

let accounts: PeerAccount[] = [];
let isTelling = false;
function tellAccounts(): void {
  if (accounts.length > 0) tell({ accounts });
  accounts = [];
  isTelling = false;
}
function account(one: PeerAccount): void {
  accounts.push(one);
  if (isTelling) return;
  isTelling = true;
  setTimeout(tellAccounts, 50);
}

// ---- one connection

let made = 0;
let connecting = 0;
let refused = 0;
/** How many of them the server has taken. */
let taken = 0;

/**
 * Waits while too many are on their way: beyond 511 the system forgets about some that it has called connected, and
 * resets them a minute later.
 */
async function roomAtTheDoor(): Promise<void> {
  while (made + connecting - taken > 200 && !stop.isGiven) await sleep(5);
}

/** One peer's connection, and what is noted of it. */
interface Peer {
  readonly life: Life;
  readonly socket: Socket;
  readonly connection: Connection<Request, Answer>;
  sent: number;
  received: number;
  /** Bytes of the answers. */
  delivered: number;
  isDone: boolean;
  /** Called for each answer. */
  answered: () => void;
  readonly closed: { readonly seen: Promise<void>; readonly isGiven: boolean };
}

/** Connects; undefined where the system has no port for it, or nobody listens any more. */
async function open(life: Life): Promise<Peer | undefined> {
  const opened = signal();
  const closed = signal();
  const socket = createConnection({ port, host: HOST, noDelay: true });
  let name = { port: 0, use: 0 };
  let isResting = false;
  let wasOpen = false;
  connecting++;
  const connection = attach(socket, asking, {
    // Whether the server is slow is not for peers to say.
    closeTimeout: 0,
    open() {
      connecting--;
      made++;
      wasOpen = true;
      // Now, as the server does when it takes it: a port may be used again before its old socket says that it is closed.
      name = { port: socket.localPort!, use: useOf(socket.localPort!) };
      opened.give();
    },
    message(_, answer) {
      const planned = plan.answer(plan.request(life.id, life.life, peer.received));
      const wrong = difference(answer, planned);
      if (wrong !== undefined) {
        fail(`${life.kind} ${life.id}.${life.life}: answer ${peer.received}: ${wrong}`);
      }
      peer.received++;
      peer.delivered += lengthOf(planned);
      peer.answered();
    },
    close(_, { by, error }) {
      if (wasOpen) {
        account({
          ...name,
          id: life.id,
          life: life.life,
          sent: peer.sent,
          received: peer.received,
          left: socket.bytesRead - peer.delivered,
          isDone: peer.isDone,
          isResting,
          by,
          code: codeOf(error),
        });
      } else {
        connecting--;
        refused++;
      }
      peer.answered();
      closed.give();
      opened.give();
    },
  });
  const { pause, resume } = connection;
  connection.pause = () => {
    isResting = true;
    pause.call(connection);
  };
  connection.resume = () => {
    isResting = false;
    resume.call(connection);
  };
  const peer: Peer = {
    life,
    socket,
    connection,
    sent: 0,
    received: 0,
    delivered: 0,
    isDone: false,
    answered: () => {},
    closed,
  };
  await opened.seen;
  return wasOpen ? peer : undefined;
}

/** So many milliseconds at most, less if the connection is gone or all are told to stop. */
async function think({ life: { id, life, kind }, closed }: Peer, ms: number, n: number) {
  const wait = plan.upTo(Math.ceil(ms * pace), `think ${kind}`, id, life, n);
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, wait);
  });
  await Promise.race([time, closed.seen, stop.seen]);
  clearTimeout(timer);
}

/** The next requests, as whole frames. */
function next(peer: Peer, count: number): Request[] {
  const { id, life } = peer.life;
  return Array.from({ length: count }, (_, i) => plan.request(id, life, peer.sent + i));
}

/** Until all answers are here, or the connection is gone. */
async function allAnswers(peer: Peer): Promise<void> {
  while (peer.received < peer.sent && !peer.closed.isGiven) {
    await new Promise<void>((resolve) => {
      peer.answered = resolve;
    });
  }
}

// ---- peers that must not lose anything

const THINK = { good: 3000, uploader: 8000, slowReader: 15_000, slowWriter: 500 };

async function drip(peer: Peer, values: Request[]): Promise<void> {
  const { id, life } = peer.life;
  for (const value of values) {
    const bytes = encodeFrame(asking, value);
    peer.sent++;
    for (let at = 0, step = 0; at < bytes.length; step++) {
      if (peer.closed.isGiven) return;
      const end = at + 1 + plan.upTo(59, "piece", id, life, value.n, step);
      peer.socket.write(bytes.subarray(at, end));
      at = end;
      if (!stop.isGiven) await sleep((10 + plan.upTo(60, "drip", id, life, value.n, step)) * pace);
    }
  }
}

/** Asks, and lets the answers lie until the server has felt it. */
async function layDown(peer: Peer, key: string): Promise<void> {
  peer.connection.pause();
  const felt = new Promise<void>((resolve) => resting.set(key, resolve));
  await Promise.race([felt, peer.closed.seen, stop.seen]);
  resting.delete(key);
  peer.connection.resume();
}

/** Asks in bursts, each when all answers to the one before have come; then leaves. */
async function talk(peer: Peer, isLast: boolean): Promise<void> {
  const { connection, closed } = peer;
  const { kind, id, life, bursts } = peer.life;
  const burst = async (index: number, isAwaited: boolean): Promise<void> => {
    const values = next(peer, bursts[index % bursts.length]!);
    if (kind === "slowWriter") {
      await drip(peer, values);
    } else {
      peer.sent += values.length;
      for (const value of values) connection.send(value);
    }
    if (kind === "slowReader" && isAwaited) await layDown(peer, `${id}.${life}.${index + 1}`);
    if (isAwaited) await allAnswers(peer);
  };
  for (let i = 0; i < bursts.length && !closed.isGiven && !stop.isGiven; i++) {
    await burst(i, true);
    await think(peer, THINK[kind as keyof typeof THINK], i);
  }
  if (!isLast && !stop.isGiven) {
    peer.isDone = peer.received === peer.sent;
    connection.close();
    return;
  }
  ready(id);
  await stop.seen;
  // The server is to find some in the middle of something, and some at rest.
  if (id % 3 === 0 && kind !== "slowReader") await burst(bursts.length, false);
}

// ---- peers that misbehave; the server ends each of them

const GARBAGE = Uint8Array.from({ length: 5000 }, (_, i) => 0x80 | ((i * 31) & 0x7f));

async function misbehave(peer: Peer): Promise<void> {
  const { connection, socket, closed } = peer;
  const { kind, id, life, bursts } = peer.life;
  await think(peer, 2000, -1);
  if (stop.isGiven || closed.isGiven) return;
  const values = next(peer, bursts.length);
  peer.sent += values.length;
  const whole = values.map((value) => encodeFrame(asking, value));
  const half = encodeFrame(asking, plan.request(id, life, peer.sent)).subarray(0, 20);
  const write = (...more: Uint8Array[]): void =>
    void socket.write(Buffer.concat([...whole, ...more]));
  // Held back, it would come to nothing.
  peer.isDone = true;
  switch (kind) {
    case "cutOff":
      write(half);
      socket.end();
      break;
    case "reset":
      write(half);
      while (peer.received === 0 && !closed.isGiven) {
        await new Promise<void>((resolve) => {
          peer.answered = resolve;
        });
      }
      await think(peer, 50, -2);
      if (!closed.isGiven) socket.resetAndDestroy();
      break;
    case "garbage":
      write(GARBAGE);
      break;
    case "gigabyte":
      write(Uint8Array.of(0x40, 0, 0, 0, 1));
      break;
    case "notJson":
      write(Uint8Array.of(0, 0, 0, 2, 0x7b, 0x7b));
      break;
    case "never": {
      // Promises as much as is allowed, sends a byte now and then, and never gets there.
      write(Uint8Array.of(0, 0, 0xff, 0));
      const timer = setInterval(() => socket.write(Uint8Array.of(0x20)), 100);
      void closed.seen.then(() => clearInterval(timer));
      break;
    }
    case "glutton": {
      // Asks for a lot and never reads.
      connection.pause();
      const ask = (): void => {
        while (!socket.destroyed) {
          if (!socket.write(encodeFrame(asking, plan.request(id, life, peer.sent++)))) return;
        }
      };
      socket.on("drain", ask);
      ask();
    }
  }
}

// ---- all of them

// Made when first used, by whoever is first.
void [process.stdout, process.stderr];
const before = await holdingsAtRest();
const waited = new Set(Array.from({ length: connections }, (_, id) => id));
function ready(id: number): void {
  if (waited.delete(id) && waited.size === 0) tell({ isReady: true });
}

async function live(id: number): Promise<void> {
  await sleep(Math.floor(id / 50) * 20);
  for (let life = 0; life <= lives && !stop.isGiven; ) {
    const planned = plan.life(id, life);
    await roomAtTheDoor();
    if (stop.isGiven) break;
    const peer = await open(planned);
    if (peer === undefined) {
      await sleep(100);
      continue;
    }
    const isLast = life === lives;
    if (STEADY.some((kind) => kind === planned.kind)) {
      await talk(peer, isLast);
    } else {
      await misbehave(peer);
      // These hold on as long as they are let.
      if (isLast && (planned.kind === "never" || planned.kind === "silent")) ready(id);
    }
    await peer.closed.seen;
    life++;
    await sleep(plan.upTo(1000, "between", id, life) * pace);
  }
  ready(id);
}
await Promise.all(Array.from({ length: connections }, (_, id) => live(id)));
await sleep(60);
tellAccounts();
const after = await holdingsAtRest(before);
tell({ before, after, late: late(), refused });
// Ends by itself: nothing may be left that keeps it.
process.removeAllListeners("disconnect");
process.disconnect();
