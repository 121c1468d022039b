import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { type Connection, duplex, type Protocol, parseValue, valueText } from "../core/index.ts";
import type { AnyProtocol } from "../inspect/ready/index.ts";
import { connect, listen } from "../transports/node/index.ts";
import { clientTls, placeOf, serverTls } from "./address.ts";
import { parsed } from "./arguments.ts";
import { loadProtocol } from "./load-protocol.ts";
import { type Streams, stopped } from "./streams.ts";

const OPTIONS = {
  listen: { type: "string" },
  protocol: { type: "string" },
  replies: { type: "string" },
  cert: { type: "string" },
  key: { type: "string" },
  ca: { type: "string" },
  insecure: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

const TALK_HELP = `framewright talk <host:port> --protocol <protocol>
framewright talk --listen <[host:]port> --protocol <protocol>

Speaks a protocol by hand: each line of standard input is sent as a value in JSON, each received message is a
line of standard output. Bytes are {"$bytes":"0aff"}, large integers {"$int":"123"}, maps {"$map":[[key,value]]}.

  --listen <[host:]port>  waits for connections, and sends to all of them       [host 127.0.0.1]
  --protocol <protocol>   protocol of the connection; see framewright decode --help
  --replies <protocol>    protocol of the server, if different
  --cert <file>, --key <file>  with --listen: TLS
  --ca <file>, --insecure      with tls://host:port: which server certificates are accepted

At the end of standard input it stops sending, and still shows received messages.
`;

type Peer = Connection<unknown, unknown, unknown>;

/**
 * Runs `framewright talk` until the peer or the user ends it. Returns 1 if the connection failed.
 */
export async function talkCommand(args: readonly string[], streams: Streams): Promise<number> {
  const { values, positionals } = parsed("framewright talk: ", args, OPTIONS, true);
  if (values.help === true) {
    streams.out.write(TALK_HELP);
    return 0;
  }
  const [to, ...others] = positionals;
  if (others.length > 0 || (to === undefined) === (values.listen === undefined)) {
    throw new RangeError("framewright talk: either host:port or --listen is required; try --help");
  }
  const sent = streamProtocol(await loadProtocol(values.protocol));
  const replies =
    values.replies === undefined ? sent : streamProtocol(await loadProtocol(values.replies));
  return to === undefined
    ? listening(values, duplexOf(sent, replies), streams)
    : connected(to, values, duplexOf(replies, sent), streams);
}

const duplexOf = (
  read: Protocol<unknown, unknown>,
  write: Protocol<unknown, unknown>,
): Protocol<unknown, unknown> => (read === write ? read : duplex({ read, write }));

function streamProtocol(protocol: AnyProtocol): Protocol<unknown, unknown> {
  if ("measure" in protocol && protocol.measure !== undefined) return protocol;
  throw new RangeError(
    `framewright talk: ${protocol.name} has no framing for a stream: put one before it, as in lines+json`,
  );
}

interface TlsValues {
  readonly listen?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
  readonly insecure?: boolean | undefined;
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function connected(
  to: string,
  values: TlsValues,
  protocol: Protocol<unknown, unknown>,
  streams: Streams,
): Promise<number> {
  const place = placeOf("talk", to);
  const options = { host: place.host, port: place.port, ...clientTls(place, values) };
  const connection: Peer = await connect(protocol, {
    ...options,
    idleTimeout: 0,
    endTimeout: 0,
    message: (_, value) => void streams.out.write(`${valueText(value)}\n`),
    error: (_, error) => void streams.errors.write(`framewright: ${text(error)}\n`),
  });
  void stopped(streams).then(() => connection.close());
  void sendLines(streams, () => [connection]).then(() => connection.end());
  const { error } = await connection.closed;
  return error === undefined ? 0 : 1;
}

async function listening(
  values: TlsValues,
  protocol: Protocol<unknown, unknown>,
  streams: Streams,
): Promise<number> {
  const { host, port } = placeOf("--listen", values.listen!);
  const peers = new Set<Peer>();
  const server = await listen(protocol, {
    ...{ host, port, ...serverTls(values.cert, values.key) },
    ...{ firstMessageTimeout: 0, idleTimeout: 0, endTimeout: 0 },
    open: (peer) => void peers.add(peer as Peer),
    message: (_, value) => void streams.out.write(`${valueText(value)}\n`),
    end: (peer) => void peer.end(),
    error: (_, error) => void streams.errors.write(`framewright: ${text(error)}\n`),
    close: (peer) => void peers.delete(peer as Peer),
  });
  streams.errors.write(`framewright: waiting for connections to ${host}:${server.port}\n`);
  const ended = sendLines(streams, () => [...peers]).then(() => {
    for (const peer of peers) peer.end();
    return Promise.all([...peers].map((peer) => peer.closed));
  });
  await Promise.race([stopped(streams), ended]);
  await server.close({ timeout: 500 });
  return 0;
}

/** Sends each line of standard input. */
async function sendLines({ input, errors }: Streams, peers: () => readonly Peer[]): Promise<void> {
  const lines = createInterface({ input: Readable.from(input ?? []), crlfDelay: Infinity });
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line.trim() === "") continue;
    try {
      const value = parseValue(line);
      for (const peer of peers()) if (!peer.send(value)) await peer.ready();
    } catch (error) {
      errors.write(`framewright: line ${number} is not sent: ${text(error)}\n`);
    }
  }
}
