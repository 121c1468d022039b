import { Output } from "../../core/index.ts";
import { type HeaderClient, type HeaderClientOptions, makeClient } from "./header-client.ts";
import { type HeaderProtocols, headerProtocols } from "./header-codecs.ts";
import {
  type AnswerOptions,
  type HeaderHandlers,
  type HeaderServerConnection,
  serveRequests,
} from "./header-server.ts";
import type { HeaderDefinition, Pushes, Requests, ServerReceived } from "./header-types.ts";

/** Both sides of a protocol whose messages name their type in a header. */
export interface HeaderService<R extends Requests, P extends Pushes> extends HeaderProtocols<R, P> {
  /**
   * Makes a server's `message` handler from handlers by request type. For a refused message
   * (broken, of an unknown type, or without a handler) the client receives an error, and the
   * connection stays open.
   *
   * @returns handlers to spread into those of a connection that speaks `serverProtocol` or a
   *   wrapped `serverCodec`
   */
  answer<Context = undefined>(
    handlers: HeaderHandlers<R, P, Context>,
    options?: AnswerOptions,
  ): {
    readonly message: (
      connection: HeaderServerConnection<R, P, Context>,
      received: ServerReceived<R>,
    ) => unknown;
  };

  /**
   * Creates a client for a connection that speaks `clientProtocol` or a wrapped `clientCodec`.
   *
   * @throws RangeError for a `timeout` or `maxPending` that is not a number >= 0
   */
  client(options?: HeaderClientOptions<R, P>): HeaderClient<R, P>;
}

/**
 * Protobuf requests with a header that holds their type name and a number, as in the WebSocket game
 * server `kylemao88/wow` (on skynet), including its error form.
 *
 * ```text
 *   request    1e000000  0a 11 0a0d 67616d652e4c6f67696e526571 1001  1205 616c696365  1a02 7077
 *              length    header { "game.LoginReq", seq 1 }           account          password
 *   response   1b000000  the message alone: no header, no type, no number
 *   error      39000000  0a10 "common.ErrorResp" 1007  0a0c "SERVER_ERROR" 1215 "Internal server error"
 *                        header { type, seq 7 }, directly followed by error { code, message }
 *   push       length    header { type } and the fields, as in a request
 * ```
 *
 * The protocol has limits: a response does not name its request. So a client sends one request at a
 * time, a response that is too late closes the connection (it would be matched to the next
 * request), and a slow handler delays its connection. Servers may not answer, so every request has
 * a timeout. Pushes are an addition of this library: in the reference they cannot be distinguished
 * from responses. A response whose own field 1 starts with the name of a push as its field 1 would
 * be read as a push.
 *
 * @param definition - the requests with their responses, the pushes, and the largest message
 *
 * @example
 * ```ts
 * import { decodeFrame, encodeFrame } from "framewright";
 * import { headerService, protobufjs } from "framewright/protobuf";
 * import protobuf from "protobufjs";
 *
 * const { root } = protobuf.parse(`
 *   syntax = "proto3";
 *   package game;
 *   message Header { string msg_type = 1; uint32 seq = 2; }
 *   message AddReq { Header header = 1; int32 a = 2; int32 b = 3; }
 *   message AddResp { int32 sum = 2; }
 * `);
 * const game = headerService({
 *   requests: {
 *     "game.AddReq": {
 *       request: protobufjs<{ a: number; b: number }>(root.lookupType("game.AddReq")),
 *       response: protobufjs<{ sum: number }>(root.lookupType("game.AddResp")),
 *     },
 *   },
 * });
 *
 * const message = { a: 1, b: 2 };
 * const bytes = encodeFrame(game.clientProtocol, { type: "game.AddReq", seq: 1, message });
 * const received = decodeFrame(game.serverProtocol, bytes);
 * if (received.kind === "request") console.log(received.type, received.message.b);
 * //=> game.AddReq 2
 * ```
 */
export function headerService<
  const R extends Requests,
  const P extends Pushes = Record<never, never>,
>(definition: HeaderDefinition<R, P>): HeaderService<R, P> {
  const protocols = headerProtocols(definition);
  return Object.freeze<HeaderService<R, P>>({
    ...protocols,
    answer: (handlers, options = {}) => ({ message: serveRequests(handlers, options) }),
    client: (options = {}) => {
      return makeClient(definition, options, (value) =>
        protocols.clientProtocol.encode(value, new Output()),
      );
    },
  });
}
