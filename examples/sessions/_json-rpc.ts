// JSON-RPC 2.0 for both sides: requests, notifications, errors, batches. Works over any framing.
import type { Connection, Handlers } from "framewright";
import { Calls, Requests } from "framewright/session";

export interface Message {
  readonly jsonrpc: "2.0";
  readonly id?: number | string | null;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}
export type Wire = Message | readonly Message[];
export type Methods = Readonly<Record<string, (params: never) => unknown>>;
type Call = readonly [method: string, params?: unknown];

const jsonrpc = "2.0";
const fault = (code: number, message: string) => ({ error: { code, message } });

export class Peer {
  readonly #connection: Connection<Wire, Wire, unknown>;
  readonly #methods: Methods;
  readonly #requests = new Requests<Message>({ timeout: 10_000 });
  readonly #calls: Calls<() => unknown>;

  constructor(connection: Connection<Wire, Wire, unknown>, methods: Methods) {
    this.#connection = connection;
    this.#methods = methods;
    this.#calls = new Calls({ connection, run: (call) => call() });
    connection.onInputEnd((error) => this.#requests.end(error));
  }

  request(method: string, params?: unknown, signal?: AbortSignal): Promise<unknown> {
    const send = (id: number) => this.#connection.send({ jsonrpc, id, method, params });
    return this.#requests.ask(send, { signal, read });
  }

  notify(method: string, params?: unknown): void {
    this.#connection.send({ jsonrpc, method, params });
  }

  /** Several requests in one message. */
  batch(calls: readonly Call[]): Promise<unknown>[] {
    const messages: Message[] = [];
    const asked = calls.map(([method, params]) => {
      return this.#requests.ask((id) => messages.push({ jsonrpc, id, method, params }), { read });
    });
    this.#connection.send(messages);
    return asked;
  }

  /**
   * Answers resolve pending requests immediately; calls run in a separate queue, so that methods may call
   * the peer.
   */
  received(message: Wire): void {
    const isBatch = Array.isArray(message);
    const all: readonly Message[] = isBatch ? message : [message as Message];
    const isAnswer = (one: Message) => one?.result !== undefined || one?.error !== undefined;
    for (const one of all.filter(isAnswer)) this.#requests.answer(one.id, one);
    const calls = all.filter((one) => !isAnswer(one));
    if (calls.length === 0 && all.length > 0) return;
    this.#calls.add(async () => {
      // An empty batch is not a valid request, and gets one answer.
      const done = await Promise.all((all.length > 0 ? calls : [{}]).map((one) => this.#run(one)));
      const replies = done.filter((reply) => reply !== undefined);
      if (replies.length === 0) return;
      this.#connection.send(isBatch && all.length > 0 ? replies : replies[0]!);
    });
  }

  async #run(call: Partial<Message> | null): Promise<Message | undefined> {
    const { id = null, method, params } = call ?? {};
    if (typeof method !== "string") return { jsonrpc, id, ...fault(-32600, "Invalid Request") };
    const isCall = call?.id !== undefined;
    const run = Object.hasOwn(this.#methods, method) ? this.#methods[method] : undefined;
    try {
      if (run === undefined)
        return isCall ? { jsonrpc, id, ...fault(-32601, "Method not found") } : undefined;
      const result = (await run(params as never)) ?? null;
      return isCall ? { jsonrpc, id, result } : undefined;
    } catch (error) {
      return isCall ? { jsonrpc, id, ...fault(-32000, (error as Error).message) } : undefined;
    }
  }
}

function read({ error, result }: Message): unknown {
  if (error === undefined) return result;
  throw Object.assign(new Error(error.message), { code: error.code });
}

/** Handlers for `listen` and `connect`: the peer is `connection.context.peer`. */
export function jsonRpc(methods: Methods): Handlers<Wire, Wire, { peer: Peer }> {
  return {
    context: () => ({}) as { peer: Peer },
    open(connection) {
      connection.context.peer = new Peer(connection, methods);
    },
    message: ({ context }, message) => context.peer.received(message),
    // A message that is not JSON ends the connection, after a final answer.
    error: (connection) => connection.send({ jsonrpc, id: null, ...fault(-32700, "Parse error") }),
  };
}
