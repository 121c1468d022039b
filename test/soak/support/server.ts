// The server of the TCP soak: answers every request, compares it with the plan, and gives an account of every connection.
import type { Socket } from "node:net";
import type { Connection } from "framewright";
import { listen, type Server } from "framewright/node";
import type { ServerAccount, Wait } from "./ledger.ts";
import { type Answer, difference, lengthOf, MAX_FRAME, type Plan, type Request } from "./plan.ts";
import { codeOf, HOST, serving, usesOfPorts } from "./wire.ts";

/** The limits of one connection. */
export interface Limits {
  readonly highWater: number;
  readonly maxQueued: number;
  readonly firstMessageTimeout: number;
  readonly idleTimeout: number;
  readonly closeTimeout: number;
}

/** What the server notes of one connection. */
interface Notes {
  readonly socket: Socket;
  readonly port: number;
  readonly use: number;
  /** Whose it is, from its first request on. */
  id: number;
  life: number;
  served: number;
  /** Bytes of the requests that were served. */
  delivered: number;
  /** Last burst whose reader was told that he is felt. */
  felt: number;
  isPaused: boolean;
  readonly opened: number;
  heard: number;
  /** Since when it closes: something went wrong, its peer ended, or the server closes. */
  closing: number | undefined;
  timeout: Wait | undefined;
  /** Cut because the peer took nothing for too long: while it does not, nothing is read. */
  isUnsent: boolean;
}

type Link = Connection<Answer, Request, Notes>;

/** What the server has, and had. */
interface Tally {
  /** Connections that were taken. */
  accepted: number;
  ended: number;
  served: number;
  pauses: number;
  longestQueue: number;
  readonly errors: Map<string, number>;
}

/** The server and what it has seen. */
export interface SoakServer {
  readonly server: Server<Answer, Request, Notes>;
  readonly tally: Tally;
  /** Bytes that wait in all connections, on their way in and out; fails where one of them has too many. */
  waiting(): { readonly unread: number; readonly unsent: number };
  /** Closes it, its connections with it. */
  close(): Promise<void>;
}

/** How to tell of what happens. */
export interface Reports {
  account(account: ServerAccount): void;
  /** The server has felt that this connection is read slowly, or it has nothing more to send to it. */
  felt(key: string): void;
  fail(why: string): void;
}

// A pause lets a chunk go on that is being read, and the socket keeps two more; a frame may have begun before.
const CHUNK = 65_536;
const MAX_UNREAD = 3 * CHUNK + MAX_FRAME;

export async function serve(plan: Plan, limits: Limits, reports: Reports): Promise<SoakServer> {
  const useOf = usesOfPorts();
  const tally: Tally = {
    accepted: 0,
    ended: 0,
    served: 0,
    pauses: 0,
    longestQueue: 0,
    errors: new Map(),
  };
  const { firstMessageTimeout, idleTimeout, closeTimeout } = limits;
  let isShutdown = false;
  const now = (): number => performance.now();

  const name = ({ port, use, id, life }: Notes): string => `${id}.${life} at ${port}, use ${use}`;
  const unreadOf = ({ socket, delivered }: Notes): number => socket.bytesRead - delivered;
  /** What the connection counts, and what the socket took without asking to wait. */
  const unsentOf = ({ queued, context: { socket } }: Link): number =>
    queued + Math.min(socket.writableLength, socket.writableHighWaterMark);
  const isGlutton = ({ id, life }: Notes): boolean => plan.life(id, life).kind === "glutton";

  /** Tells a slow reader of this burst to go on, once. */
  function feel(notes: Notes, isBurstOver: boolean): void {
    const { kind, bursts } = plan.life(notes.id, notes.life);
    if (kind !== "slowReader") return;
    const size = bursts[0]!;
    const burst = Math.ceil(notes.served / size);
    if (burst <= notes.felt || (isBurstOver && notes.served % size !== 0)) return;
    notes.felt = burst;
    reports.felt(`${notes.id}.${notes.life}.${burst}`);
  }

  function take(connection: Link, request: Request): void {
    const { context: notes } = connection;
    if (notes.served === 0) {
      notes.id = request.id;
      notes.life = request.life;
    }
    const planned = plan.request(notes.id, notes.life, notes.served);
    const wrong = difference(request, planned);
    if (wrong !== undefined) reports.fail(`${name(notes)}: request ${notes.served}: ${wrong}`);
    if (notes.isPaused) reports.fail(`${name(notes)}: a request while it is paused`);
    notes.served++;
    notes.delivered += lengthOf(planned);
    tally.served++;
    const isRoomy = connection.send(plan.answer(planned));
    const { queued } = connection;
    tally.longestQueue = Math.max(tally.longestQueue, queued);
    // A glutton is served regardless: only the hard limit can stop it.
    const isServed = isRoomy || isGlutton(notes);
    const most = (isGlutton(notes) ? limits.maxQueued : limits.highWater) + MAX_FRAME;
    if (queued > most) reports.fail(`${name(notes)}: ${queued} bytes queued, ${most} allowed`);
    if (!isServed && connection.state === "open") {
      tally.pauses++;
      notes.isPaused = true;
      connection.pause();
    }
    feel(notes, isServed);
  }

  const server = await listen<Answer, Request, Notes>(serving, {
    ...limits,
    host: HOST,
    port: 0,
    context(stream) {
      const socket = stream as Socket;
      const port = socket.remotePort;
      if (port === undefined) throw new Error("a connection from nowhere");
      tally.accepted++;
      const notes: Notes = {
        socket,
        port,
        use: useOf(port),
        id: -1,
        life: -1,
        served: 0,
        delivered: 0,
        felt: 0,
        isPaused: false,
        opened: now(),
        heard: now(),
        closing: undefined,
        timeout: undefined,
        isUnsent: false,
      };
      socket.on("data", () => {
        notes.heard = now();
      });
      socket.on("end", () => {
        notes.closing ??= now();
      });
      return notes;
    },
    message: take,
    drain(connection) {
      connection.context.isPaused = false;
      connection.resume();
    },
    error({ context: notes }, error) {
      const code = codeOf(error)!;
      tally.errors.set(code, (tally.errors.get(code) ?? 0) + 1);
      notes.closing ??= now();
      if (code !== "timeout") return;
      const text = String(error);
      const isIdle = /no byte/.test(text);
      // Defaults of `listen`, which a busy machine may reach: a peer that drips, or reads slowly, gets too little time.
      const other = /(?:frame was not whole|took none of \d+ bytes) within (\d+) ms/.exec(text);
      notes.isUnsent = /took none/.test(text);
      // No first message is waited for any more once it has come.
      const isDue = isIdle || other !== null || notes.served === 0;
      const since = isIdle ? notes.heard : notes.opened;
      const limit = isIdle ? idleTimeout : firstMessageTimeout;
      notes.timeout = {
        waited: isDue ? now() - since : 0,
        limit: other === null ? limit : Number(other[1]),
      };
    },
    close({ context: notes }, { by, error }) {
      tally.ended++;
      const { port, use, socket, served, closing, timeout } = notes;
      reports.account({
        port,
        use,
        served,
        left: unreadOf(notes),
        by,
        code: codeOf(error),
        isPeaceful: socket.writableFinished && socket.readableEnded,
        isShutdown,
        timeout,
        isUnsent: notes.isUnsent,
        closing:
          closing === undefined ? undefined : { waited: now() - closing, limit: closeTimeout },
      });
    },
  });

  return {
    server,
    tally,
    waiting() {
      let [unread, unsent] = [0, 0];
      for (const connection of server.connections) {
        const { context: notes } = connection;
        const most = isGlutton(notes) ? limits.maxQueued : limits.highWater;
        const [read, sent] = [unreadOf(notes), unsentOf(connection)];
        // What follows an error, or a shutdown, is dropped.
        if (notes.closing === undefined && read > MAX_UNREAD) {
          reports.fail(`${name(notes)}: ${read} bytes unread, ${MAX_UNREAD} allowed`);
        }
        const { writableHighWaterMark } = notes.socket;
        if (sent > most + MAX_FRAME + writableHighWaterMark) {
          reports.fail(`${name(notes)}: ${sent} bytes unsent, ${most} allowed`);
        }
        unread += Math.min(read, MAX_UNREAD);
        unsent += sent;
      }
      return { unread, unsent };
    },
    async close() {
      isShutdown = true;
      for (const { context: notes } of server.connections) notes.closing ??= now();
      // Longer than its connections' own limit: each of them is to keep to that.
      await server.close({ timeout: 10 * closeTimeout });
    },
  };
}
