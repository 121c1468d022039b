// A fastway gateway, with the same command line as the original:
//
//   node gateway.js -Dialect v2 -ClientAddr :9000 -ServerAddr 127.0.0.1:9001 -ServerAuthKey secret
//
// It runs until it is stopped (Ctrl-C, SIGTERM). Without options it prints its usage.
import { randomBytes } from "node:crypto";
import { type Dialect, type FastwayGateway, fastwayGateway } from "framewright/fastway";
import { listen } from "framewright/node";

const USAGE = `usage: gateway -Dialect v1|v2 [options]
  -ClientAddr host:port          where clients connect to (default :0, any free port on all interfaces)
  -ServerAddr host:port          where servers connect to (default :0)
  -ServerAuthKey text            the secret that servers must have (default none: everybody may be a server)
  -ServerAuthTimeout seconds     how long a server may take to prove it (default 3 in v1, 5 in v2)
  -MaxPacket bytes               largest Length of a packet (default 524288); v1: -MaxPacketSize
  -ClientMaxConn n               most virtual connections of a client that dials; 0: no limit (default 8 in v1, 16 in v2)
  -ClientIdleTimeout duration    how long a client may be silent (default 30s; 0: for ever); v1: -ClientPingInterval
  -ServerIdleTimeout duration    the same for servers; v1: -ServerPingInterval
  -MaxQueued bytes               an endpoint that leaves more unread is closed (default 8388608)
  -Stats duration                how often to print the counters (default 0: never)
Options of the original that tune its memory are taken and ignored.`;

/** Options of the original that have no effect here. */
const IGNORED = /^(ReusePort|EnableSnet|MemPool.*|.*BufferSize|.*SendChanSize|.*RecvChanSize)$/;

const NAMES = [
  "Dialect",
  "ClientAddr",
  "ServerAddr",
  "ServerAuthKey",
  "ServerAuthTimeout",
  "MaxPacket",
  "MaxPacketSize",
  "ClientMaxConn",
  "ClientIdleTimeout",
  "ServerIdleTimeout",
  "ClientPingInterval",
  "ServerPingInterval",
  "MaxQueued",
  "Stats",
] as const;

type Options = Partial<Record<(typeof NAMES)[number], string>>;

/** Parses like Go's package flag: one dash or two, the value after `=` or in the next argument. */
function parse(args: readonly string[]): Options {
  const options: Options = {};
  for (let i = 0; i < args.length; i++) {
    const [, flag, , inline] = /^--?([A-Za-z]+)(=(.*))?$/.exec(args[i]!) ?? [];
    if (flag === undefined) throw new Error(`not an option: ${args[i]}`);
    const isSwitch = /^(ReusePort|EnableSnet)$/.test(flag);
    const value = inline ?? (isSwitch ? "true" : args[++i]);
    if (value === undefined) throw new Error(`-${flag} needs a value`);
    const name = NAMES.find((one) => one === flag);
    if (name !== undefined) options[name] = value;
    else if (!IGNORED.test(flag)) throw new Error(`no such option: -${flag}`);
  }
  return options;
}

function integer(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new Error(`-${name} must be a number, not ${text}`);
  return Number(text);
}

/** Parses a duration in Go's notation into milliseconds: `30s`, `1m30s`, `500ms`; `0` needs no unit. */
function duration(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "0") return text && 0;
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  if (parts.map(([part]) => part).join("") !== text) {
    throw new Error(`-${name} must be a duration (30s, 500ms), not ${text}`);
  }
  return Math.round(parts.reduce((sum, [, n, unit]) => sum + Number(n) * units[unit!]!, 0));
}

/** Parses an address in Go's notation: without a host it means all interfaces. */
function address(name: string, text = ":0"): { host?: string; port: number } {
  const [, host, port] = /^(.*):(\d+)$/.exec(text) ?? [];
  if (port === undefined) throw new Error(`-${name} must be host:port, not ${text}`);
  const bare = host!.replace(/^\[(.*)\]$/, "$1");
  return bare === "" ? { port: Number(port) } : { host: bare, port: Number(port) };
}

function make(options: Options): FastwayGateway {
  const seconds = integer("ServerAuthTimeout", options.ServerAuthTimeout);
  if (options.Dialect === undefined) throw new Error("-Dialect is required: v1 or v2");
  return fastwayGateway({
    dialect: options.Dialect as Dialect,
    random: randomBytes,
    key: options.ServerAuthKey,
    authTimeout: seconds === undefined ? undefined : 1000 * seconds,
    maxPacket: integer("MaxPacket", options.MaxPacket ?? options.MaxPacketSize),
    maxConn: integer("ClientMaxConn", options.ClientMaxConn),
    clientIdle: duration(
      "ClientIdleTimeout",
      options.ClientIdleTimeout ?? options.ClientPingInterval,
    ),
    serverIdle: duration(
      "ServerIdleTimeout",
      options.ServerIdleTimeout ?? options.ServerPingInterval,
    ),
    left({ side, id }, error) {
      const reason = error instanceof Error ? `: ${error.message}` : "";
      console.log(`${side} ${id ?? "?"} left${reason}`);
    },
  });
}

async function main(args: readonly string[]): Promise<void> {
  const options = parse(args);
  const gateway = make(options);
  const limits = { maxQueued: integer("MaxQueued", options.MaxQueued) };
  const clients = await listen(gateway.protocol, {
    ...address("ClientAddr", options.ClientAddr),
    ...limits,
    open: gateway.client,
  });
  const servers = await listen(gateway.protocol, {
    ...address("ServerAddr", options.ServerAddr),
    ...limits,
    open: gateway.server,
  });
  console.log(`clients at port ${clients.port}`);
  console.log(`servers at port ${servers.port}`);

  const period = duration("Stats", options.Stats) ?? 0;
  const timer = period > 0 ? setInterval(() => console.log(gateway.counters), period) : undefined;
  const stop = async (): Promise<void> => {
    clearInterval(timer);
    gateway.close();
    await Promise.all([clients.close({ timeout: 1000 }), servers.close({ timeout: 1000 })]);
    console.log("closed");
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
}

const args = process.argv.slice(2);
if (args.length === 0 || /^--?h(elp)?$/.test(args[0]!)) {
  console.log(USAGE);
} else {
  try {
    await main(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
  }
}
