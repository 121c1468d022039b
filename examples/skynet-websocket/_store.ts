/** A player in the store. */
export interface Player {
  readonly userid: number;
  readonly nickname: string;
  readonly level: number;
  readonly exp: number;
  readonly vipLevel: number;
}

/** An account: its player, and its hashed password. */
export interface Account {
  readonly userid: number;
  readonly secret: string;
}

/** Stores players. Handlers use a database only through it. */
export interface PlayerStore {
  /** The kind of storage, for the log. */
  readonly kind: string;
  account(name: string): Account | undefined;
  /** Adds a new account with a new player; the first player has the number 10001. */
  create(name: string, secret: string): Account;
  player(userid: number): Player | undefined;
  save(player: Player): void;
  close(): void;
}

const FIRST_USERID = 10001;

/** Keeps players in memory. */
export function memoryStore(): PlayerStore {
  const accounts = new Map<string, Account>();
  const players = new Map<number, Player>();
  return {
    kind: "memory",
    account: (name) => accounts.get(name),
    create(name, secret) {
      const account = { userid: FIRST_USERID + accounts.size, secret };
      accounts.set(name, account);
      players.set(account.userid, newPlayer(account.userid, name));
      return account;
    },
    player: (userid) => players.get(userid),
    save: (player) => void players.set(player.userid, player),
    close() {},
  };
}

function newPlayer(userid: number, nickname: string): Player {
  return { userid, nickname, level: 1, exp: 0, vipLevel: 0 };
}

/** The functions of an embedded SQL database that are used. */
export interface Sql {
  readonly kind: string;
  exec(sql: string): void;
  run(sql: string, values: readonly (string | number)[]): void;
  get(sql: string, values: readonly (string | number)[]): Record<string, unknown> | undefined;
  close(): void;
}

/** Keeps players in an embedded database. */
export function sqlStore(sql: Sql): PlayerStore {
  sql.exec(`
    CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, userid INTEGER NOT NULL, secret TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS player (
      userid INTEGER PRIMARY KEY, nickname TEXT NOT NULL, level INTEGER NOT NULL, exp INTEGER NOT NULL,
      vip_level INTEGER NOT NULL
    );`);
  const store: PlayerStore = {
    kind: sql.kind,
    account: (name) =>
      sql.get("SELECT userid, secret FROM account WHERE name = ?", [name]) as Account | undefined,
    create(name, secret) {
      const last = sql.get("SELECT max(userid) AS userid FROM account", [])?.userid;
      const userid = last === null || last === undefined ? FIRST_USERID : Number(last) + 1;
      sql.exec("BEGIN");
      try {
        sql.run("INSERT INTO account (name, userid, secret) VALUES (?, ?, ?)", [
          name,
          userid,
          secret,
        ]);
        store.save(newPlayer(userid, name));
        sql.exec("COMMIT");
      } catch (error) {
        sql.exec("ROLLBACK");
        throw error;
      }
      return { userid, secret };
    },
    player: (userid) =>
      sql.get(
        "SELECT userid, nickname, level, exp, vip_level AS vipLevel FROM player WHERE userid = ?",
        [userid],
      ) as Player | undefined,
    save: ({ userid, nickname, level, exp, vipLevel }) =>
      sql.run("INSERT OR REPLACE INTO player VALUES (?, ?, ?, ?, ?)", [
        userid,
        nickname,
        level,
        exp,
        vipLevel,
      ]),
    close: () => sql.close(),
  };
  return store;
}
