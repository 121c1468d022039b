import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import type { Player, PlayerStore } from "./_store.ts";

/** A connected client, in the form that the game needs, for either protocol. */
export interface Visitor {
  /** Sends the client a notice. */
  notify(text: string): void;
}

/** An error of a client, which the client may see. */
export class GameError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The game logic of the server, independent of sockets and bytes. Signed-in clients are kept in memory,
 * players in a store.
 */
export class Game {
  readonly #store: PlayerStore;
  readonly #signedIn = new Map<Visitor, string>();

  constructor(store: PlayerStore) {
    this.#store = store;
  }

  /** Signs the client in: from now on it has this name, and is notified when others sign in. */
  signin(visitor: Visitor, userid: string): void {
    if (userid === "") throw new GameError("NO_USERID", "userid is empty");
    this.#signedIn.set(visitor, userid);
    for (const other of this.#signedIn.keys()) {
      if (other !== visitor) other.notify(`${userid} has signed in`);
    }
  }

  /** Called when the client is gone. */
  leave(visitor: Visitor): void {
    this.#signedIn.delete(visitor);
  }

  /** The clients that have signed in. */
  get online(): number {
    return this.#signedIn.size;
  }

  /** Logs in to an account, or makes a new one. */
  login(name: string, password: string): number {
    if (name === "") throw new GameError("NO_ACCOUNT", "account is empty");
    const account = this.#store.account(name);
    if (account === undefined) return this.#store.create(name, scramble(password)).userid;
    if (!isPassword(password, account.secret)) {
      throw new GameError("WRONG_PASSWORD", `that is not the password of ${name}`);
    }
    return account.userid;
  }

  /** Undefined if the request names no player: then there is no answer, as in the reference. */
  player(userid: number): Player | undefined {
    if (userid === 0) return undefined;
    if (!(userid > 0)) throw new RangeError(`userid ${userid}`);
    const player = this.#store.player(userid);
    if (player === undefined) throw new GameError("NO_SUCH_PLAYER", `no player ${userid}`);
    return player;
  }
}

// Cheap parameters for an example, because its tests log in often.
const COST = { N: 1024 };

function scramble(password: string): string {
  const salt = randomBytes(16);
  return `${salt.toString("hex")}:${scryptSync(password, salt, 32, COST).toString("hex")}`;
}

function isPassword(password: string, secret: string): boolean {
  const [salt = "", hash = ""] = secret.split(":");
  const scrambled = scryptSync(password, Buffer.from(salt, "hex"), 32, COST);
  return timingSafeEqual(scrambled, Buffer.from(hash, "hex"));
}
