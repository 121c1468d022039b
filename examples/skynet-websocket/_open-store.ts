import { memoryStore, type PlayerStore, type Sql, sqlStore } from "./_store.ts";

/**
 * The best store of this runtime: SQLite of Node 22.13 and later, otherwise the package `node-sqlite3-wasm`
 * (the same database, without native code to compile), otherwise memory.
 */
export async function openStore(file: string): Promise<PlayerStore> {
  const sql = (await nodeSqlite(file)) ?? (await wasmSqlite(file));
  return sql === undefined ? memoryStore() : sqlStore(sql);
}

type Row = Record<string, unknown>;

interface NodeSqlite {
  readonly DatabaseSync: new (
    file: string,
  ) => {
    exec(sql: string): void;
    prepare(sql: string): {
      run(...values: (string | number)[]): void;
      get(...values: (string | number)[]): Row | undefined;
    };
    close(): void;
  };
}

async function nodeSqlite(file: string): Promise<Sql | undefined> {
  // A module name that the types of older Node versions do not contain.
  const name: string = "node:sqlite";
  const sqlite = await load(() => import(name) as Promise<NodeSqlite>);
  if (sqlite === undefined) return undefined;
  const database = new sqlite.DatabaseSync(file);
  return {
    kind: "node:sqlite",
    exec: (sql) => database.exec(sql),
    run: (sql, values) => database.prepare(sql).run(...values),
    get: (sql, values) => database.prepare(sql).get(...values),
    close: () => database.close(),
  };
}

async function wasmSqlite(file: string): Promise<Sql | undefined> {
  const sqlite = await load(() => import("node-sqlite3-wasm"));
  if (sqlite === undefined) return undefined;
  const database = new sqlite.default.Database(file);
  return {
    kind: "node-sqlite3-wasm",
    exec: (sql) => database.exec(sql),
    run: (sql, values) => void database.run(sql, [...values]),
    get: (sql, values) => (database.get(sql, [...values]) ?? undefined) as Row | undefined,
    close: () => database.close(),
  };
}

/** Imports a module, if it is installed. */
async function load<T>(module: () => Promise<T>): Promise<T | undefined> {
  try {
    return await module();
  } catch {
    return undefined;
  }
}
