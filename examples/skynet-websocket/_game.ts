import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";
import type { Player, PlayerStore } from "./_store.ts";

/** Whoever is connected: what the game may do to a client, whatever it speaks. */
export interface Visitor {
  /** Tells the client something unasked. */
  notify(text: string): void;
}

/** Something that a client did wrong, and may know of. */
export class GameError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What the server does, without a word about sockets or bytes. Who has signed in is kept in memory, players in a store. */
export class Game {
  readonly #store: PlayerStore;
  readonly #signedIn = new Map<Visitor, string>();

  constructor(store: PlayerStore) {
    this.#store = store;
  }

  /** From now on the client is called that, and hears of others who sign in. */
  signin(visitor: Visitor, userid: string): void {
    if (userid === "") throw new GameError("NO_USERID", "userid is empty");
    this.#signedIn.set(visitor, userid);
    for (const other of this.#signedIn.keys()) {
      if (other !== visitor) other.notify(`${userid} has signed in`);
    }
  }

  /** The client is gone. */
  leave(visitor: Visitor): void {
    this.#signedIn.delete(visitor);
  }

  /** Clients that have signed in. */
  get online(): number {
    return this.#signedIn.size;
  }

  /** Opens the account, or makes a new one. */
  login(name: string, password: string): number {
    if (name === "") throw new GameError("NO_ACCOUNT", "account is empty");
    const account = this.#store.account(name);
    if (account === undefined) return this.#store.create(name, scramble(password)).userid;
    if (!isPassword(password, account.secret)) {
      throw new GameError("WRONG_PASSWORD", `that is not the password of ${name}`);
    }
    return account.userid;
  }

  /** Undefined when nobody is asked for: then nothing is answered, as in the reference. */
  player(userid: number): Player | undefined {
    if (userid === 0) return undefined;
    if (!(userid > 0)) throw new RangeError(`userid ${userid}`);
    const player = this.#store.player(userid);
    if (player === undefined) throw new GameError("NO_SUCH_PLAYER", `no player ${userid}`);
    return player;
  }
}

// Cheap enough for an example, whose tests log in often.
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
