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

/** Options for a server: its id and key, and those of its connections. */
export interface ServerOptions<In, Out = In, Context = undefined>
  extends EndpointOptions<In, Out, Context> {
  /**
   * Id under which clients dial this server: an unsigned 32-bit integer, 0 allowed. A newer server
   * takes over the id.
   */
  readonly serverId: number;

  /**
   * Secret that it shares with the gateway; text is encoded as UTF-8.
   * @defaultValue empty, like the gateway's
   */
  readonly key?: string | Uint8Array | undefined;

  /**
   * Time limit for the gateway's challenge, in milliseconds; 0 for no limit.
   * @defaultValue 5000
   */
  readonly authTimeout?: number | undefined;
}

const FIVE_SECONDS = 5000;
const OPTIONS = ["serverId", "key", "authTimeout", ...ENDPOINT_OPTIONS];

/**
 * Creates a server of a gateway. It proves that it has the key, accepts dials of clients, and dials
 * them.
 *
 * The gateway does not confirm the key. If the connection ends before any packet arrived, the key
 * was probably wrong: pending calls then fail with code `refused`.
 *
 * @param link - a connection to the gateway's server port, opened with `fastway({ dialect })` over
 *   any transport; the server takes it over, handlers included
 * @param options - `serverId`, `key`; options for incoming connections and pings
 * @throws TypeError if the connection does not speak fastway, RangeError for an invalid server id
 *   or limit
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

/** Adds the likely cause if the gateway closed before any packet. */
function explained(info: CloseInfo): CloseInfo {
  if (info.by === "local" || info.error instanceof ProtocolError) return info;
  const text = "the gateway closed before any packet: authentication probably failed";
  const error = new ProtocolError("refused", text, undefined, { cause: info.error });
  return { ...info, by: "error", error };
}
