import { ProtocolError } from "../../core/index.ts";
import type { Dialect, EndpointCommand } from "./commands.ts";

/** A dial whose answer is waited for. */
export interface Dial {
  readonly remoteId: number;
  /** The connection is there. */
  accepted(connId: number): void;
  /** It will not be. */
  failed(error: ProtocolError): void;
}

/** The dials of one endpoint that are not answered yet. An answer that fits none breaks the protocol. */
export interface PendingDials {
  /** Starts a dial. */
  begin(dial: Dial): void;
  /** v1: the id that was asked for. */
  opened(connId: number): void;
  /** The dial that an Accept answers; undefined: it is none of ours (v1), but a connection from outside. */
  accepted(connId: number, remoteId: number): Dial | undefined;
  /** The dial that a Refuse answers; `id` is the connection in v1, the remote end in v2. */
  refused(id: number): Dial;
  /** May a message on this unknown connection belong to a dial? */
  expects(connId: number): boolean;
  /** All that wait, which is nobody from now on. */
  clear(): Dial[];
}

/** An endpoint's book of dials. `tell` sends a command to the gateway. */
export function pendingDials(
  dialect: Dialect,
  tell: (command: EndpointCommand) => void,
): PendingDials {
  return dialect === "v1" ? new PendingDialsV1(tell) : new PendingDialsV2(tell);
}

/** An id is asked for, then dialled; ids come in the order of the questions, answers name the id. */
class PendingDialsV1 implements PendingDials {
  readonly #tell: (command: EndpointCommand) => void;
  readonly #asked: Dial[] = [];
  readonly #pending = new Map<number, Dial>();

  constructor(tell: (command: EndpointCommand) => void) {
    this.#tell = tell;
  }

  begin(dial: Dial): void {
    this.#asked.push(dial);
    this.#tell({ type: "new" });
  }

  opened(connId: number): void {
    const dial = this.#asked[0];
    // An id that is given twice would make one of its dials wait for ever.
    if (dial === undefined || this.#pending.has(connId)) throw unasked(`id ${connId}`);
    this.#asked.shift();
    this.#pending.set(connId, dial);
    this.#tell({ type: "dial", connId, remoteId: dial.remoteId });
  }

  accepted(connId: number): Dial | undefined {
    const dial = this.#pending.get(connId);
    this.#pending.delete(connId);
    return dial;
  }

  refused(connId: number): Dial {
    const dial = this.accepted(connId);
    if (dial === undefined) throw unasked(`refusal of connection ${connId}`);
    return dial;
  }

  expects(connId: number): boolean {
    return this.#pending.has(connId);
  }

  clear(): Dial[] {
    const all = [...this.#asked.splice(0), ...this.#pending.values()];
    this.#pending.clear();
    return all;
  }
}

/** The gateway picks the id; answers come in the order of the dials. */
class PendingDialsV2 implements PendingDials {
  readonly #tell: (command: EndpointCommand) => void;
  readonly #queue: Dial[] = [];

  constructor(tell: (command: EndpointCommand) => void) {
    this.#tell = tell;
  }

  begin(dial: Dial): void {
    this.#queue.push(dial);
    this.#tell({ type: "dial", remoteId: dial.remoteId });
  }

  opened(connId: number): never {
    throw unasked(`id ${connId}`);
  }

  accepted(connId: number, remoteId: number): Dial {
    return this.#answered(remoteId, `connection ${connId} with ${remoteId}`);
  }

  refused(remoteId: number): Dial {
    return this.#answered(remoteId, `refusal of ${remoteId}`);
  }

  #answered(remoteId: number, what: string): Dial {
    const dial = this.#queue[0];
    if (dial?.remoteId !== remoteId) throw unasked(what);
    this.#queue.shift();
    return dial;
  }

  expects(): boolean {
    return this.#queue.length > 0;
  }

  clear(): Dial[] {
    return this.#queue.splice(0);
  }
}

const unasked = (what: string): ProtocolError =>
  new ProtocolError("malformed", `the gateway answers what was not asked: ${what}`);
