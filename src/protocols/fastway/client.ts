import { type CloseInfo, checkOptions, ProtocolError } from "../../core/index.ts";
import { ENDPOINT_OPTIONS, Endpoint, type FastwayLink } from "./endpoint.ts";
import type { EndpointOptions, FastwayEndpoint } from "./endpoint-options.ts";

/**
 * Creates a client of a gateway. It dials servers, and servers can dial it. Clients need no
 * handshake.
 *
 * @param link - a connection to the gateway's client port, opened with `fastway({ dialect })` over
 *   any transport; the client takes it over, handlers included
 * @param options - options for incoming connections and pings
 * @throws TypeError if the connection does not speak fastway, RangeError for an invalid limit
 *
 * @example
 * ```ts
 * import { connect } from "framewright/node";
 * import { fastway, fastwayClient } from "framewright/fastway";
 *
 * async function ask(port: number, serverId: number, question: Uint8Array): Promise<void> {
 *   const client = fastwayClient(await connect(fastway({ dialect: "v2" }), { port }));
 *   const connection = await client.dial(serverId);
 *   connection.send(question);
 *   for await (const answer of connection) console.log(answer);
 *   client.close();
 * }
 * ```
 */
export function fastwayClient<In = Uint8Array, Out = In, Context = undefined>(
  link: FastwayLink,
  options: EndpointOptions<In, Out, Context> = {},
): FastwayEndpoint<In, Out, Context> {
  checkOptions("fastwayClient", options, ENDPOINT_OPTIONS);
  const endpoint = new Endpoint(link, options);
  endpoint.begin((info) => (endpoint.isHeard ? info : explained(info)));
  return endpoint;
}

/**
 * Explains an error on the wrong port: a gateway greets servers with random bytes, which mostly
 * read as a huge Length.
 */
function explained(info: CloseInfo): CloseInfo {
  const { error } = info;
  if (!(error instanceof ProtocolError) || error.code !== "too-long") return info;
  const text = `${error.message}: is it the gateway's port for servers?`;
  return { ...info, error: new ProtocolError(error.code, text, error.offset, { cause: error }) };
}
