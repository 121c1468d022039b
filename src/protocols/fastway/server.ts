import {
  type CloseInfo,
  type Connection,
  checkInteger,
  checkLimit,
  checkOptions,
  ProtocolError,
  systemClock,
} from "../../core/index.ts";
import { ENDPOINT_OPTIONS, Endpoint, type FastwayLink } from "./endpoint.ts";
import type { EndpointOptions, FastwayEndpoint } from "./endpoint-options.ts";
import { answerChallenge, serverHandshake } from "./handshake.ts";

/** What a server proves to its gateway, and how it treats connections. */
export interface ServerOptions<In, Out = In, Context = undefined>
  extends EndpointOptions<In, Out, Context> {
  /** The id under which clients dial it: any unsigned 32 bits, also 0. A newer server takes over an id. */
  readonly serverId: number;

  /**
   * The secret that it shares with the gateway; text is taken as UTF-8.
   * @defaultValue empty, as the gateway's
   */
  readonly key?: string | Uint8Array | undefined;

  /**
   * How long to wait for the gateway's challenge, in milliseconds; 0: no limit.
   * @defaultValue 5000
   */
  readonly authTimeout?: number | undefined;
}

const FIVE_SECONDS = 5000;
const OPTIONS = ["serverId", "key", "authTimeout", ...ENDPOINT_OPTIONS];

/**
 * A server of a gateway: proves that it has the key, is dialled by clients, and dials them.
 *
 * The gateway never says that it is content. Where the connection ends before any packet came, the key was
 * probably wrong: what fails then, fails with code `refused`.
 *
 * @param link - a connection to the gateway's server port, opened with `fastway({ dialect })` over any
 *   transport; it is the server's from now on, handlers included
 * @param options - `serverId`, `key`; for incoming connections and pings
 * @throws TypeError if the connection does not speak fastway, RangeError for an invalid server id or limit
 *
 * @example
 * ```ts
 * import { connect } from "framewright/node";
 * import { fastway, fastwayServer } from "framewright/fastway";
 *
 * async function serve(port: number): Promise<void> {
 *   const link = await connect(fastway({ dialect: "v2" }), { port });
 *   const server = fastwayServer(link, { serverId: 1, key: "secret" });
 *   for await (const connection of server) {
 *     console.log("a call from client", connection.remoteId);
 *     connection.send(Uint8Array.of(72, 105));
 *     connection.close();
 *   }
 * }
 * ```
 */
export function fastwayServer<In = Uint8Array, Out = In, Context = undefined>(
  link: FastwayLink,
  options: ServerOptions<In, Out, Context>,
): FastwayEndpoint<In, Out, Context> {
  checkOptions("fastwayServer", options, OPTIONS);
  const { serverId, key = "", authTimeout = FIVE_SECONDS, clock = systemClock } = options;
  checkInteger("serverId", serverId, 0, 0xffff_ffff);
  checkLimit("authTimeout", authTimeout);
  const endpoint = new Endpoint(link, options);
  let stopTimer = (): void => {};
  const physical = link as unknown as Connection<Uint8Array, Uint8Array, unknown>;
  physical.use(serverHandshake, {
    message(_, challenge) {
      stopTimer();
      physical.send(answerChallenge(challenge, key, serverId));
      endpoint.begin((info) => (endpoint.isHeard ? info : explained(info)));
    },
    error: (_, error) => endpoint.over({ by: "error", error }),
    close(_, info) {
      stopTimer();
      endpoint.over(info);
    },
  });
  if (physical.state === "closed") endpoint.over({ by: "peer" });
  else if (authTimeout > 0) {
    stopTimer = clock.after(authTimeout, () => {
      const text = `no challenge within ${authTimeout} ms: is it the gateway's port for servers?`;
      physical.abort(new ProtocolError("timeout", text));
    });
  }
  return endpoint;
}

/** Why the gateway may have hung up without a word. */
function explained(info: CloseInfo): CloseInfo {
  if (info.by === "local" || info.error instanceof ProtocolError) return info;
  const text = "the gateway hung up before any packet: authentication probably failed";
  const error = new ProtocolError("refused", text, undefined, { cause: info.error });
  return { ...info, by: "error", error };
}
