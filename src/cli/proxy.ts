import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Connection, type Protocol, raw } from "../core/index.ts";
import { pieces } from "../framing/index.ts";
import type { TapSide } from "../session/index.ts";
import { connect, listen, pipe } from "../transports/node/index.ts";
import { clientTls, placeOf, serverTls } from "./address.ts";
import { parsed } from "./arguments.ts";
import { type End, type Recorded, Recorder } from "./recorder.ts";
import type { Shown } from "./show-messages.ts";
import { type Streams, stopped } from "./streams.ts";

const OPTIONS = {
  listen: { type: "string" },
  to: { type: "string" },
  protocol: { type: "string" },
  replies: { type: "string" },
  json: { type: "boolean" },
  quiet: { type: "boolean" },
  record: { type: "string" },
  cert: { type: "string" },
  key: { type: "string" },
  ca: { type: "string" },
  insecure: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

const PROXY_HELP = `framewright proxy --listen <[host:]port> --to <host:port> --protocol <protocol>

Forwards connections, and shows the messages of both directions. Bytes pass unchanged, even if they cannot be decoded.
Stop it with Ctrl-C.

  --listen <[host:]port>  where clients connect                                 [host 127.0.0.1]
  --to <host:port>        where to forward them; tls://host:port with TLS
  --protocol <protocol>   protocol of the connections; see framewright decode --help
  --replies <protocol>    protocol of the server, if different
  --json                  one line of JSON per message
  --quiet                 shows nothing
  --record <file>         writes a capture (pcapng) that Wireshark and framewright decode read
  --cert <file>, --key <file>  TLS for clients
  --ca <file>, --insecure      which server certificates are accepted
`;

const bytes: Protocol<Uint8Array> = pieces().wrap(raw());
type Tunnel = Connection<Uint8Array, Uint8Array, End>;

function endOf(stream: Duplex): End {
  const { remoteAddress: host = "0.0.0.0", remotePort: port = 0 } = stream as Partial<Socket>;
  return { host, port };
}

/** Runs `framewright proxy` until it is stopped. */
export async function proxyCommand(args: readonly string[], streams: Streams): Promise<number> {
  const values = parsed("framewright proxy: ", args, OPTIONS, false).values;
  if (values.help === true) {
    streams.out.write(PROXY_HELP);
    return 0;
  }
  if (values.listen === undefined || values.to === undefined) {
    throw new RangeError("framewright proxy: --listen and --to are required; try --help");
  }
  const here = placeOf("--listen", values.listen);
  const there = placeOf("--to", values.to);
  const own = serverTls(values.cert, values.key);
  const theirs = clientTls(there, values);
  const isQuiet = values.quiet === true;
  // What decodes is loaded only if it is used.
  const show = isQuiet
    ? undefined
    : await (await import("./show-messages.ts")).showMessages(values, streams.out);
  const { record } = values;
  const recorder =
    record === undefined
      ? undefined
      : new Recorder(record, (error) => {
          const what = `cannot write ${record}, so nothing more is recorded`;
          streams.errors.write(`framewright: ${what}: ${messageOf(error)}\n`);
        });
  const flushing = recorder && setInterval(() => recorder.flush(), 500);
  const told = (text: string): void =>
    void (isQuiet || streams.errors.write(`framewright: ${text}\n`));
  let count = 0;

  const forward = async (client: Tunnel): Promise<void> => {
    const number = ++count;
    const remote = client.context;
    told(`#${number} opened by ${remote.host}:${remote.port}`);
    const server = await connect(bytes, {
      host: there.host,
      port: there.port,
      ...theirs,
      // Its addresses are known once it is connected.
      context: (stream) => stream,
      idleTimeout: 0,
      error() {},
    });
    const recorded = recorder?.open(remote, endOf(server.context));
    const up = show?.(number, true);
    const down = show?.(number, false);
    const tap = { a: tapOf(true, recorded, up), b: tapOf(false, recorded, down) };
    const ends = await pipe(client, server, { tap });
    for (const side of [up, down]) side?.finish();
    const failed = ends.find(({ error }) => error !== undefined);
    recorded?.close(failed !== undefined);
    const why = failed === undefined ? "" : `: ${messageOf(failed.error)}`;
    told(`#${number} closed${why}`);
  };

  const server = await listen(bytes, {
    ...{ host: here.host, port: here.port, ...own },
    context: endOf,
    firstMessageTimeout: 0,
    idleTimeout: 0,
    open: (client) =>
      void forward(client as Tunnel).catch((error: unknown) => {
        told(`cannot connect to ${there.host}:${there.port}: ${messageOf(error)}`);
        client.abort();
      }),
    error() {},
  });
  streams.errors.write(
    `framewright: ${here.host}:${server.port} is forwarded to ${there.host}:${there.port}\n`,
  );
  try {
    await stopped(streams);
  } finally {
    clearInterval(flushing);
    await server.close({ timeout: 500 });
    recorder?.close();
  }
  return 0;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Observes what one side sends, if anyone asks for it. Errors do not affect the traffic. */
function tapOf(
  isClient: boolean,
  recorded: Recorded | undefined,
  shown: Shown | undefined,
): TapSide<never> | undefined {
  if (recorded === undefined && shown === undefined) return undefined;
  const push = (data: Uint8Array): void => {
    recorded?.data(isClient, data);
    shown?.push(data);
  };
  // A protocol of the user might write into its input; bytes that are only recorded need no copy.
  return shown === undefined ? { bytes: push } : push;
}
