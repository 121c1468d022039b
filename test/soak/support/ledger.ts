// Two accounts of every connection, the peer's and the server's, and what follows from them. Time decides nothing here:
// who was slow is excused if the server says that it was, for how long it had waited, and that nothing whole lay unread.
import { type Kind, lengthOf, type Plan } from "./plan.ts";

/** Which connection: a port of the peer, and how often it has been used. */
interface Which {
  readonly port: number;
  readonly use: number;
}

/** How a connection ended on one side. */
interface End {
  readonly by: "local" | "peer" | "error";
  /** Code of the error, if there was one. */
  readonly code?: string | undefined;
}

/** What the peer says. */
export interface PeerAccount extends Which, End {
  readonly id: number;
  readonly life: number;
  /** Whole requests that it handed to its socket. */
  readonly sent: number;
  /** Answers that it got, each as planned and in order. */
  readonly received: number;
  /** Bytes that its socket read and that became no answer. */
  readonly left: number;
  /** It did what it is there for: had all its answers and closed, or did its harm. Else somebody came before. */
  readonly isDone: boolean;
  /** It was resting, and read nothing, when the end came. */
  readonly isResting: boolean;
}

/** How long somebody waited, of how long he was to wait; in milliseconds. */
export interface Wait {
  readonly waited: number;
  readonly limit: number;
}

/** What the server says. */
export interface ServerAccount extends Which, End {
  /** Requests that came, each as planned and in order; each was answered. */
  readonly served: number;
  /** Bytes that its socket read and that became no request. */
  readonly left: number;
  /** Both sides have ended, and everything written is out. */
  readonly isPeaceful: boolean;
  /** The server was told to close before this connection ended. */
  readonly isShutdown: boolean;
  /** It was timed out. */
  readonly timeout?: Wait | undefined;
  /** It was cut because the peer took nothing for too long; then nothing is read either. */
  readonly isUnsent?: boolean | undefined;
  /** It had begun to close. */
  readonly closing?: Wait | undefined;
}

/** What follows for one connection. */
export interface Verdict {
  /** `whole`: everything is as it must be. `excused`: it was cut short, for a reason that the server can give. */
  readonly is: "whole" | "excused" | "wrong";
  readonly kind: Kind;
  readonly why: string;
}

/** How each kind ends where nothing comes between; the others are told apart by what they had before. */
const CODES: Readonly<Record<Kind, readonly (string | undefined)[]>> = {
  good: [undefined],
  uploader: [undefined],
  slowReader: [undefined],
  slowWriter: [undefined],
  cutOff: ["truncated"],
  reset: ["ECONNRESET", "EPIPE"],
  garbage: ["too-long"],
  gigabyte: ["too-long"],
  notJson: ["malformed"],
  never: ["timeout"],
  silent: ["timeout"],
  glutton: ["overflow"],
};

/** What they sent behind their whole requests is no request, however long. */
const NO_REQUESTS: readonly Kind[] = ["garbage", "gigabyte", "notJson", "never"];
/** They do not wait for their answers. */
const NO_ANSWERS: readonly Kind[] = ["reset", "glutton"];
/** Timers may be this early. */
const EARLY_MS = 5;

const isOver = (wait: Wait | undefined): boolean =>
  wait !== undefined && wait.waited >= wait.limit - EARLY_MS;

/** Judges one connection by what both of its sides say. */
export function judge(plan: Plan, peer: PeerAccount, server: ServerAccount): Verdict {
  const { id, life } = peer;
  const { kind } = plan.life(id, life);
  const wrong = (why: string): Verdict => ({ is: "wrong", kind, why });
  const { sent, received } = peer;
  const { served, code, isShutdown } = server;

  if (served > sent) return wrong(`${served} requests came of ${sent}`);
  if (received > served) return wrong(`${received} answers to ${served} requests`);
  // Whoever ends must not leave a whole message lying, unless he was told to.
  const isCut = server.by === "local" || code === "overflow" || server.isUnsent;
  const isStopped = isCut || NO_REQUESTS.includes(kind);
  if (!isStopped && server.left >= lengthOf(plan.request(id, life, served))) {
    return wrong(`request ${served} came and was not delivered`);
  }
  const next = lengthOf(plan.answer(plan.request(id, life, received)));
  if (peer.by !== "local" && !peer.isResting && !NO_ANSWERS.includes(kind) && peer.left >= next) {
    return wrong(`answer ${received} came and was not delivered`);
  }

  if (code === "timeout") {
    if (!isOver(server.timeout))
      return wrong(`a timeout before its time: ${words(server.timeout)}`);
    const isMeant = CODES[kind].includes("timeout");
    return { is: isMeant ? "whole" : "excused", kind, why: "timeout" };
  }
  const isPlanned = code !== undefined && CODES[kind].includes(code);
  if (!server.isPeaceful && !(isPlanned && NO_ANSWERS.includes(kind))) {
    // The end of one that resets may fall into a shutdown, and then is no error any more.
    const isMeant = isShutdown && NO_ANSWERS.includes(kind);
    if (!isMeant || (kind === "glutton" && !isOver(server.closing))) {
      if (!isOver(server.closing)) return wrong(`cut before its time: ${words(server.closing)}`);
      return { is: "excused", kind, why: "slow to close" };
    }
  }
  if (server.by === "local" && !isShutdown) return wrong("closed for no reason");
  if (server.by !== "local") {
    if (!CODES[kind].includes(code)) return wrong(`ended by ${server.by}, ${code ?? "no error"}`);
    if (!peer.isDone)
      return wrong(`ended by ${server.by} before it was done, ${code ?? "no error"}`);
    if (kind !== "glutton" && kind !== "reset" && served !== sent) {
      return wrong(`${sent} requests sent, ${served} came`);
    }
  }
  if (!NO_ANSWERS.includes(kind)) {
    if (received !== served) return wrong(`${served} requests answered, ${received} answers came`);
    if (peer.code !== undefined) return wrong(`the peer had ${peer.code}`);
  }
  return { is: "whole", kind, why: server.by === "local" ? "shutdown" : (code ?? "closed") };
}

function words(wait: Wait | undefined): string {
  return wait === undefined ? "nobody waited" : `${Math.round(wait.waited)} of ${wait.limit} ms`;
}

/** Accounts of both sides, until they meet. */
export interface Ledger {
  /** What the peer, or the server, says. The verdict once both have spoken. */
  peer(account: PeerAccount): Verdict | undefined;
  server(account: ServerAccount): Verdict | undefined;
  /** Connections that only one side knows of. */
  unmatched(): string[];
  /** How many verdicts there were of each kind of peer: whole ones, and excused ones. */
  readonly counts: Readonly<Record<"whole" | "excused", ReadonlyMap<string, number>>>;
}

/** An empty ledger. It keeps only what is not settled: any number of connections need no more memory. */
export function ledgerOf(plan: Plan): Ledger {
  const peers = new Map<string, PeerAccount>();
  const servers = new Map<string, ServerAccount>();
  const counts = { whole: new Map<string, number>(), excused: new Map<string, number>() };
  const enter = <T extends Which>(account: T, mine: Map<string, T>): Verdict | undefined => {
    const key = `${account.port}, use ${account.use}`;
    if (mine.has(key)) throw new Error(`port ${key} was told of twice`);
    mine.set(key, account);
    const [peer, server] = [peers.get(key), servers.get(key)];
    if (peer === undefined || server === undefined) return undefined;
    peers.delete(key);
    servers.delete(key);
    const verdict = judge(plan, peer, server);
    if (verdict.is === "wrong") {
      const both = `peer ${JSON.stringify(peer)}, server ${JSON.stringify(server)}`;
      return { ...verdict, why: `${verdict.why}: ${both}` };
    }
    const name = verdict.is === "whole" ? verdict.kind : `${verdict.kind}: ${verdict.why}`;
    counts[verdict.is].set(name, (counts[verdict.is].get(name) ?? 0) + 1);
    return verdict;
  };
  return {
    peer: (account) => enter(account, peers),
    server: (account) => enter(account, servers),
    unmatched: () => [
      ...Array.from(peers.keys(), (key) => `port ${key}: the server knows nothing of it`),
      ...Array.from(servers.keys(), (key) => `port ${key}: no peer knows of it`),
    ],
    counts,
  };
}
