// A client of a language server: JSON-RPC in frames with a Content-Length, over the standard streams of a child process.
// https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
import { type Connection, json } from "framewright";
import { contentLength } from "framewright/framing";
import { attach, type StreamPair } from "framewright/node";
import { Requests } from "framewright/session";

export interface Message {
  readonly jsonrpc: "2.0";
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** The protocol: one message per frame. Completions of large projects have several megabytes. */
export const lsp = contentLength({ maxFrame: 2 ** 26 }).wrap(json<Message>(), { name: "lsp" });

/** An error answer of the other side. */
export class ResponseError extends Error {
  override readonly name: string = "ResponseError";
  readonly code: number;

  constructor({ code, message }: { readonly code: number; readonly message: string }) {
    super(message);
    this.code = code;
  }
}

export interface LanguageClientOptions {
  /** Called with each notification. */
  readonly notified?: ((method: string, params: unknown) => void) | undefined;
  /** Answers a request of the server. */
  readonly answer?: ((method: string, params: unknown) => unknown) | undefined;
}

const jsonrpc = "2.0";

/** Requests and notifications, in both directions. */
export class LanguageClient {
  readonly connection: Connection<Message>;
  readonly #requests = new Requests<Message>({ timeout: 60_000 });
  readonly #options: LanguageClientOptions;

  constructor(streams: StreamPair, options: LanguageClientOptions = {}) {
    this.#options = options;
    this.connection = attach(streams, lsp, { message: (_, message) => this.#received(message) });
    this.connection.onInputEnd((error) => this.#requests.end(error));
  }

  /** Sends a request. If the signal is aborted, the server is asked to stop working on it. */
  request(method: string, params?: unknown, signal?: AbortSignal): Promise<unknown> {
    const send = (id: number): boolean => {
      signal?.addEventListener("abort", () => this.notify("$/cancelRequest", { id }), {
        once: true,
      });
      return this.connection.send({ jsonrpc, id, method, params });
    };
    return this.#requests.ask(send, { signal, read: resultOf });
  }

  notify(method: string, params?: unknown): void {
    this.connection.send({ jsonrpc, method, params });
  }

  #received(message: Message): void {
    const { id, method, params } = message;
    if (method === undefined) this.#requests.answer(id, message);
    else if (id === undefined) this.#options.notified?.(method, params);
    else {
      const result = this.#options.answer?.(method, params) ?? null;
      this.connection.send({ jsonrpc, id, result });
    }
  }
}

function resultOf({ result, error }: Message): unknown {
  if (error !== undefined) throw new ResponseError(error);
  return result;
}
