import { readFileSync } from "node:fs";

/** The contents of `config.json`. */
export interface Config {
  /** Address to listen on. */
  readonly wsHost: string;
  /** Port to listen on; 0: any free port. */
  readonly wsPort: number;
  /** The protocol of all clients of this server: there is no negotiation. */
  readonly protocolType: ProtocolType;
  /** File of the players' database; `":memory:"` loses all players when the server stops. */
  readonly database: string;
}

export type ProtocolType = "protobuf" | "sproto";

/** Returns a file of this folder as text. */
export function readFile(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}

/** @throws TypeError with the name of the invalid key and its allowed values */
export function parseConfig(text: string): Config {
  const config = JSON.parse(text) as Record<keyof Config, unknown>;
  const { wsHost, wsPort, protocolType, database = ":memory:" } = config;
  const check = (isRight: boolean, key: keyof Config, wanted: string): void => {
    if (!isRight) throw new TypeError(`config: ${key} must be ${wanted}, not ${config[key]}`);
  };
  check(typeof wsHost === "string" && wsHost !== "", "wsHost", "an address");
  check(
    Number.isInteger(wsPort) && Number(wsPort) >= 0 && Number(wsPort) < 65536,
    "wsPort",
    "a port",
  );
  check(
    protocolType === "protobuf" || protocolType === "sproto",
    "protocolType",
    "protobuf or sproto",
  );
  check(typeof database === "string", "database", "a file name");
  return { wsHost, wsPort, protocolType, database } as Config;
}
