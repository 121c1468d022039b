import {
  type Connection,
  checkOptions,
  handlerErrorsOf,
  isThenable,
  type Received,
  reportBug,
  wasReported,
} from "../../core/index.ts";
import { Calls } from "../../session/index.ts";
import type { ErrorReply } from "./error-reply.ts";
import type {
  Answered,
  HeaderRefusal,
  HeaderRequest,
  Names,
  Pushes,
  Requests,
  ResponseSent,
  ServerReceived,
  ServerSent,
} from "./header-types.ts";

/** A server's end of a connection. */
export type HeaderServerConnection<
  R extends Requests,
  P extends Pushes,
  Context = undefined,
> = Connection<ServerSent<R, P>, ServerReceived<R>, Context>;

/** Information about a request, for its handler. */
export interface HeaderCall<R extends Requests, P extends Pushes, Context = undefined> {
  /** Connection of the request; `send({ kind: "push", type, message })` sends it a push. */
  readonly connection: HeaderServerConnection<R, P, Context>;
  /** Name of the request's type. */
  readonly type: Names<R>;
  /** Number of the request, counted by the client. */
  readonly seq: number;
}

/**
 * Handlers by request type. The result of a handler, or of its promise, is sent as the response;
 * undefined sends nothing. An `ErrorReply` that it throws is sent unchanged, any other error as
 * `SERVER_ERROR`, without its text.
 */
export type HeaderHandlers<R extends Requests, P extends Pushes, Context = undefined> = {
  readonly [K in Names<R>]?: (
    message: Received<R[K]["request"]>,
    call: HeaderCall<R, P, Context>,
  ) => K extends Answered<R> ? HandlerResult<ResponseSent<R, K> | undefined> : HandlerResult<void>;
};

/** The result of a handler: a value or a promise of one. */
export type HandlerResult<T> = T | Promise<T>;

/** Options for `answer`. */
export interface AnswerOptions {
  /**
   * Runs several handlers of one connection at the same time. Responses do not name their request,
   * so a client that sends a second request before the first is answered relies on their order: by
   * default the connection is paused until a handler is done.
   * @defaultValue false
   */
  readonly concurrent?: boolean | undefined;
  /**
   * Called with errors that clients do not receive: what handlers threw, and why a message was
   * refused.
   * @defaultValue errors of handlers are printed
   */
  readonly report?: ((error: unknown, about: HeaderRequest | HeaderRefusal) => unknown) | undefined;
}

/** @internal */
export function serveRequests<R extends Requests, P extends Pushes, Context>(
  handlers: HeaderHandlers<R, P, Context>,
  options: AnswerOptions,
): (connection: HeaderServerConnection<R, P, Context>, received: ServerReceived<R>) => unknown {
  type Handler = (message: unknown, call: HeaderCall<R, P, Context>) => unknown;
  checkOptions("answer", options, ["concurrent", "report"]);
  const { concurrent = false, report } = options;
  const byType = new Map(Object.entries(handlers as Record<string, Handler | undefined>));

  const run = (
    connection: HeaderServerConnection<R, P, Context>,
    received: ServerReceived<R>,
  ): unknown => {
    const request = received as HeaderRequest | HeaderRefusal;
    const { seq } = request;
    const refuse = (code: string, text: string): void =>
      void connection.send({ kind: "error", seq, code, text });
    if (request.kind === "refusal") {
      const told = report?.(request.cause, request);
      refuse(request.code, request.text);
      return told;
    }
    const type = request.type as Names<R>;
    const handler = byType.get(type);
    if (handler === undefined) return refuse("UNKNOWN_MESSAGE", "Unknown message type");

    const fail = (error: unknown): unknown => {
      if (isErrorReply(error)) return refuse(error.reply, error.text);
      let told: unknown;
      if (report !== undefined) told = report(error, request);
      else if (!wasReported(error)) reportBug(error, handlerErrorsOf(connection));
      refuse("SERVER_ERROR", "Internal server error");
      return told;
    };
    const reply = (message: unknown): unknown => {
      if (message === undefined || message === null) return undefined;
      try {
        connection.send({ kind: "response", to: type, message } as unknown as ServerSent<R, P>);
        return undefined;
      } catch (error) {
        return fail(error);
      }
    };
    let result: unknown;
    try {
      result = handler(request.message, { connection, type, seq });
    } catch (error) {
      return fail(error);
    }
    return isThenable(result) ? result.then(reply, fail) : reply(result);
  };

  // One after the other: the connection waits for the returned promise.
  if (!concurrent) return run;
  // Handlers of one connection, a limited number at the same time.
  const calls = new WeakMap<object, Calls<ServerReceived<R>>>();
  return (connection, received) => {
    let own = calls.get(connection);
    if (own === undefined) {
      own = new Calls<ServerReceived<R>>({ connection, run: (call) => run(connection, call) });
      calls.set(connection, own);
    }
    own.add(received);
  };
}

/** Checks the name: a program may have an ESM and a CommonJS copy of the class. */
function isErrorReply(error: unknown): error is ErrorReply {
  return error instanceof Error && error.name === "ErrorReply";
}
