import { Connection, encodeFrame, ProtocolError, type Sink } from "../../../src/core/index.ts";
import { answerChallenge, fastway, fastwayGateway } from "../../../src/protocols/fastway/index.ts";
import { authToken, Comet, goim } from "../../../src/protocols/goim/index.ts";
import { ManualClock } from "../../../src/testing/index.ts";
import type { Target } from "../check.ts";

/** A server that any number of links are given to. */
interface Served {
  /** A peer connects, on one of two doors. */
  open(door: number, sink: Sink): Connection<never>;
  /** What it holds for its peers: nothing, once all are gone. */
  held(): number;
}

// What is thrown in an error handler is an uncaught error: it is noted, and told afterwards.
let broken: Error | undefined;
const failed = (_: unknown, error: unknown): void => {
  if (!(error instanceof ProtocolError)) broken ??= new Error(`${error}`, { cause: error });
};

function comet(dialect: "v1" | "v2", clock: ManualClock): Served {
  const server = new Comet<number>({
    dialect,
    clock,
    maxAccepts: 20,
    authenticate: (token: Uint8Array) =>
      token[0] === 0xff ? undefined : { user: token.length, key: `${token[0]}`, room: "live://1" },
    error: failed,
  } as never);
  return {
    open: (_, sink) =>
      new Connection(server.protocol, sink, server.handlers, {
        clock,
      }) as unknown as Connection<never>,
    held: () => server.sessions.size + server.room("live://1").size,
  };
}

function gateway(dialect: "v1" | "v2", clock: ManualClock): Served {
  const server = fastwayGateway({
    dialect,
    clock,
    maxPacket: 100,
    random: (count) => new Uint8Array(count).fill(1),
    left(_, error) {
      if (error !== undefined) failed(_, error);
    },
  });
  return {
    open: (door, sink) =>
      new Connection(
        server.protocol as never,
        sink,
        { open: (door === 0 ? server.client : server.server) as never, error: failed },
        { clock },
      ) as unknown as Connection<never>,
    held() {
      const { clients, servers, unproven, connections } = server.counters;
      return clients + servers + unproven + connections;
    },
  };
}

const servers: readonly {
  readonly name: string;
  readonly serve: (clock: ManualClock) => Served;
}[] = [
  { name: "a comet of v2", serve: (clock) => comet("v2", clock) },
  { name: "a comet of v1", serve: (clock) => comet("v1", clock) },
  { name: "a gateway of v1", serve: (clock) => gateway("v1", clock) },
  { name: "a gateway of v2", serve: (clock) => gateway("v2", clock) },
];

const LINKS = 4;

/*
 * An input is:   server u8 | step u8 [bytes] | ...
 *
 * The low three bits of a step say what, the next two which link, the rest how much.
 *
 *   0 to 4  so many bytes come (they follow; 0: eight times as many)
 *   5       the link ends, or is lost (odd, with an error)
 *   6       it connects, on a door (even: of a client, odd: of a server)
 *   7       so many seconds pass
 */
function run(serve: (clock: ManualClock) => Served, program: Uint8Array): void {
  broken = undefined;
  const clock = new ManualClock();
  const served = serve(clock);
  const links: (Connection<never> | undefined)[] = Array.from({ length: LINKS });
  const connect = (which: number, door: number): void => {
    let isOver = false;
    const link: Connection<never> = served.open(door, {
      boundary: "stream",
      write: () => true,
      pause() {},
      resume() {},
      // Its peer ends as well, at once.
      close: () => over(),
      abort: () => over(),
    });
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      queue.push(() => link.lost());
    };
    links[which] = link;
    link.opened();
  };
  const queue: (() => void)[] = [];
  for (let at = 0; at < program.length; ) {
    const byte = program[at++]!;
    const [what, which, much] = [byte & 7, (byte >> 3) & 3, byte >> 5];
    const link = links[which];
    if (what <= 4) {
      const length = what === 0 ? 8 * much : what + 4 * much;
      const bytes = program.slice(at, at + length);
      at += length;
      if (link?.state === "open") link.received(bytes);
    } else if (what === 5) {
      if (much % 2 === 0) link?.ended();
      else link?.lost(new ProtocolError("closed", "lost"));
    } else if (what === 6) {
      if (link === undefined || link.state === "closed") connect(which, much % 2);
    } else {
      clock.advance(1000 * (much + 1) ** 2);
    }
    for (const next of queue.splice(0)) next();
    if (broken !== undefined) throw broken;
  }
  for (const link of links) link?.lost();
  if (served.held() !== 0) throw new Error(`${served.held()} held for nobody`);
  if (clock.waiting > 0) throw new Error(`${clock.waiting} timers left`);
}

export const target: Target = {
  cases: servers.map(({ name }) => name),
  fuzz: (data) => run(servers[(data[0] ?? 0) % servers.length]!.serve, data.subarray(1)),
  seeds() {
    const came = (link: number, ...frames: Uint8Array[]): number[] =>
      frames.flatMap((frame) => {
        // Whole eighths, then what is left.
        const steps: number[] = [];
        for (let at = 0; at < frame.length; ) {
          const left = frame.length - at;
          const length = left >= 8 ? 8 * Math.min(7, left >> 3) : Math.min(left, 4);
          const step = left >= 8 ? (length >> 3) << 5 : length;
          steps.push(step | (link << 3), ...frame.subarray(at, at + length));
          at += length;
        }
        return steps;
      });
    const opens = (link: number, door: number): number => 6 | (link << 3) | (door << 5);
    const packets = goim();
    const token = encodeFrame(
      authToken as never,
      { mid: 5n, key: "k", room_id: "live://1" } as never,
    );
    const hello = [7, 2, 12, 14, 16, 18, 5].map((op) =>
      encodeFrame(packets, { ver: 1, op, seq: 1, body: op === 7 ? token : Uint8Array.of(49) }),
    );
    const answer = answerChallenge(new Uint8Array(8).fill(1), "", 3);
    const both = (["v1", "v2"] as const).map((dialect) => {
      const speaks = fastway({ dialect });
      const frame = (value: object): Uint8Array => encodeFrame(speaks, value as never);
      const dial =
        dialect === "v1" ? { type: "dial", connId: 0, remoteId: 3 } : { type: "dial", remoteId: 3 };
      return [
        opens(0, 0),
        opens(1, 1),
        ...came(1, answer),
        ...came(0, frame(dial)),
        ...came(0, frame({ type: "message", connId: 1, message: Uint8Array.of(1) })),
        ...came(1, frame({ type: "close", connId: 1 })),
        ...came(1, frame({ type: "ping" })),
      ];
    });
    const greeting = [opens(0, 0), opens(1, 0), ...came(0, ...hello), ...came(1, hello[0]!), 0xe7];
    return [greeting, greeting, ...both].map((program, i) => Uint8Array.of(i, ...program));
  },
};
