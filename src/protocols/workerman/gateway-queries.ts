import { type Codec, checkOptions, duplex, type Protocol } from "../../core/index.ts";
import { type FramingOptions, lengthPrefixed } from "../../framing/index.ts";
import { type GatewayRequest, gatewayProtocol } from "./gateway.ts";
import { phpSerialize } from "./php-serialize.ts";

/** Options for {@link gatewayQueries}. */
export interface GatewayQueriesOptions<Answer> extends FramingOptions {
  /**
   * Codec of the answers.
   * @defaultValue {@link phpSerialize}
   */
  readonly serialized?: Codec<never, Answer> | undefined;
}

/**
 * Protocol of a program that queries a GatewayWorker gateway: queries are packages of
 * {@link gatewayProtocol}, answers are a length and a text of PHP's `serialize`. Answers do not
 * name their query; they arrive in the order of the queries.
 *
 * ```text
 *   package: pack_len | cmd = IS_ONLINE | ... | connection_id | ...
 *   answer:  00 00 00 04  i:1;
 * ```
 *
 * `IS_ONLINE`, `SELECT` and all commands with `GET` in their names are answered; the others are
 * not.
 *
 * @param options - `maxFrame`: largest package and answer; `serialized`
 * @defaultValue maxFrame 1 MiB
 *
 * @example
 * ```ts
 * import { connect } from "framewright/node";
 * import { Requests } from "framewright/session";
 * import { gatewayCommands, gatewayQueries } from "framewright/workerman";
 *
 * export async function isOnline(port: number, connectionId: number, secret?: string) {
 *   const requests = new Requests<unknown>({ ids: "fifo" });
 *   const gateway = await connect(gatewayQueries(), {
 *     port,
 *     message: (_, answer) => requests.answer(undefined, answer),
 *   });
 *   gateway.onInputEnd((error) => requests.end(error));
 *   if (secret !== undefined) {
 *     const body = JSON.stringify({ secret_key: secret });
 *     gateway.send({ cmd: gatewayCommands.GATEWAY_CLIENT_CONNECT, body });
 *   }
 *   const query = { cmd: gatewayCommands.IS_ONLINE, connection_id: connectionId };
 *   const answer = await requests.ask(() => gateway.send(query));
 *   gateway.close();
 *   return answer === 1;
 * }
 * ```
 */
export function gatewayQueries<Answer = unknown>(
  options: GatewayQueriesOptions<Answer> = {},
): Protocol<GatewayRequest, Answer> {
  checkOptions("gatewayQueries", options, ["maxFrame", "serialized"]);
  const { maxFrame, serialized = phpSerialize<never, Answer>() } = options;
  return duplex({
    read: lengthPrefixed({ width: 4, maxFrame }).wrap(serialized, { name: "gateway answers" }),
    write: gatewayProtocol({ maxFrame }),
  });
}
