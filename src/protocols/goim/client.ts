import {
  checkInteger,
  checkOptions,
  guard,
  i32be,
  ProtocolError,
  systemClock,
} from "../../core/index.ts";
import { type AskOptions, Requests } from "../../session/index.ts";
import type { GoimClientOptions, GoimRequestOptions, SessionProtocol } from "./client-options.ts";
import { checkedDialect, type Dialect, MAX_BODY, replyTo } from "./dialect.ts";
import { goim } from "./goim.ts";
import { operations } from "./operations.ts";
import { type Packet, type PacketToSend, VERSION } from "./packet.ts";
import { LINK_OPTIONS, type LinkState, SessionLink } from "./session-link.ts";

const { heartbeat, heartbeatReply, auth, authReply, raw } = operations.v2;

const OPTIONS = [
  ...["token", "dialect", "protocol", "replies", "inFlight", "timeout", "maxPending"],
  ...["push", "online", ...LINK_OPTIONS],
];

/** Where a client is. */
export type GoimClientState = LinkState;

/**
 * A client of goim that behaves: it says who it is, sends heartbeats, keeps requests within what the server
 * can hold, notices a dead server, and connects again.
 *
 * It opens no socket itself and keeps no timer of its own: `connect` opens a connection with any transport, and time
 * comes from a `Clock`. Pushes go to the handler `push`, a batch's each on its own.
 *
 * A request is sent once, at most. Those that the server did not answer before the connection failed are rejected
 * (`closed`): it may have acted on them. Those that were not sent go out over the next connection.
 *
 * @example
 * ```ts
 * import { encodeFrame } from "framewright";
 * import { authToken, GoimClient, operations, roomId } from "framewright/goim";
 * import { connect } from "framewright/node";
 *
 * export function follow(host: string, room: string): GoimClient {
 *   const client = new GoimClient({
 *     connect: (protocol, handlers) => connect(protocol, { host, port: 3101, ...handlers }),
 *     token: encodeFrame(authToken, { mid: 123, accepts: [1000] }),
 *     // After each reconnect: the server knows no more than the token says.
 *     open: (client) => client.request(operations.v2.changeRoom, encodeFrame(roomId, room)),
 *     push: (_, packet) => console.log(packet.op, packet.body.length),
 *   });
 *   return client;
 * }
 * ```
 */
export class GoimClient<Body = Uint8Array> {
  readonly #options: GoimClientOptions<Body, SessionProtocol<Body>>;
  readonly #dialect: Dialect;
  readonly #requests: Requests<Packet<Body>>;
  readonly #link: SessionLink<PacketToSend<Body>, Packet<Body>, Body>;
  #online: number | undefined;
  /** The last heartbeat was not answered. */
  #isBeatOpen = false;

  /**
   * Begins to connect at once.
   *
   * @param options - how to connect, who you are, and what to call
   * @throws RangeError for an unknown dialect, `inFlight` outside 1 to 7 (1 to 6 for JSON), no time between heartbeats, or
   *   another invalid limit
   */
  constructor(options: GoimClientOptions<Body>);
  /** For a protocol without framing, such as JSON: `connect` needs a transport that keeps boundaries. */
  constructor(
    options: GoimClientOptions<Body, SessionProtocol<Body>> & {
      readonly protocol: SessionProtocol<Body>;
    },
  );
  constructor(given: GoimClientOptions<Body> | GoimClientOptions<Body, SessionProtocol<Body>>) {
    const options = given as GoimClientOptions<Body, SessionProtocol<Body>>;
    checkOptions("GoimClient", options, OPTIONS);
    const { inFlight = 4, timeout = 10_000, maxPending = 1000, clock = systemClock } = options;
    this.#options = options;
    this.#dialect = checkedDialect(options.dialect);
    const protocol = options.protocol ?? binary<Body>(this.#dialect);
    // The server's ring holds 8, and it claims the next place before it reads; with JSON it replies before it frees one.
    checkInteger("inFlight", inFlight, 1, protocol.text === true ? 6 : 7);
    this.#requests = new Requests({
      ...{ timeout, maxPending, maxInFlight: inFlight, clock },
      ...{ trace: options.trace, name: "goim", connection: () => this.#link.connection },
    });
    // What is asked before the server has accepted the token waits.
    this.#requests.pause();
    const { error } = options;
    this.#link = new SessionLink<PacketToSend<Body>, Packet<Body>, Body>(
      {
        token: options.token as Body | (() => Body),
        connect: (handlers) => options.connect(protocol, handlers),
        authenticate: (token) => {
          this.#ask(auth, authReply, token, () => {
            this.#isBeatOpen = false;
            this.#link.welcome();
            this.#requests.resume();
          });
        },
        beat: () => this.#beat(),
        message: (packet) => this.#received(packet),
        interrupted: (cause) => this.#requests.interrupt(cause),
        open: () => options.open?.(this),
        retry: (retry) => options.retry?.(this, retry),
        close: (cause) => {
          this.#requests.end(cause);
          guard(() => options.close?.(this, cause));
        },
        error: error && ((thrown) => error(this, thrown)),
      },
      options,
    );
    this.#link.start();
  }

  /** Where the client is. */
  get state(): GoimClientState {
    return this.#link.state;
  }

  /** How many were online in the room when the last heartbeat was answered; only v2 says so. */
  get online(): number | undefined {
    return this.#online;
  }

  /**
   * Sends a request, as soon as there is room for it, and gives its reply.
   *
   * @param op - operation, such as `operations.v2.changeRoom`
   * @param body - what it carries
   * @param options - `timeout`, `signal`
   * @returns the reply; rejected with a ProtocolError: `timeout`; `closed` if the connection or the client ended first;
   *   `overflow` if too many wait; `unencodable`, also for an operation that is the session's own or has no reply; or with
   *   the reason of `signal`
   */
  async request(op: number, body?: Body, options: GoimRequestOptions = {}): Promise<Packet<Body>> {
    checkOptions("request", options, ["timeout", "signal"]);
    const { timeout, signal } = options;
    const reply = this.#replyTo(op);
    return this.#requests.ask((seq) => this.#send(op, seq, body), {
      ...{ timeout, signal },
      accept: (packet) => packet.op === reply,
    });
  }

  /** Ends the session for good: what was sent goes out, then the connection closes. Unanswered requests fail. */
  close(): void {
    this.#link.close();
  }

  #replyTo(op: number): number {
    const isOurs = op === heartbeat || op === auth || (op === raw && this.#dialect === "v2");
    const reply = isOurs ? undefined : replyTo(op, this.#dialect, this.#options.replies);
    if (reply !== undefined) return reply;
    throw new ProtocolError("unencodable", `operation ${op} is no request in ${this.#dialect}`);
  }

  #send(op: number, seq: number, body: Body | undefined): void {
    this.#link.connection?.send({ ver: VERSION, op, seq, body });
  }

  /** A request of the session itself: without it there is no session. */
  #ask(
    op: number,
    reply: number,
    body: Body | undefined,
    read: (packet: Packet<Body>) => void,
  ): void {
    const { connection } = this.#link;
    const options: AskOptions<Packet<Body>, void> = {
      ...{ urgent: true, timeout: 0, read },
      accept: (packet) => packet.op === reply,
    };
    this.#requests
      .ask((seq) => this.#send(op, seq, body), options)
      .catch((error) => {
        // Not if it failed with its connection.
        if (connection === this.#link.connection && connection?.state === "open") {
          this.#link.drop(error);
        }
      });
  }

  /** Replies are taken at once: handlers of pushes, which may wait for some, have a queue of their own. */
  #received(packet: Packet<Body>): void {
    if (this.#requests.answer(packet.seq, packet)) return;
    const { push } = this.#options;
    if (push !== undefined) this.#link.calls?.add(() => push(this, packet));
  }

  /** One at a time: the server's ring has few places, and a backlog may come before the reply. */
  #beat(): void {
    if (this.#isBeatOpen) return;
    this.#isBeatOpen = true;
    this.#ask(heartbeat, heartbeatReply, undefined, ({ body }) => {
      this.#isBeatOpen = false;
      if (this.#dialect !== "v2" || !(body instanceof Uint8Array) || body.length !== 4) return;
      const count = i32be(body, 0);
      this.#online = count;
      this.#link.calls?.add(() => this.#options.online?.(this, count));
    });
  }
}

/** Where no protocol is given, bodies are bytes. */
function binary<Body>(dialect: Dialect): SessionProtocol<Body> {
  const protocol = goim({ flatten: dialect === "v2", maxSendBody: MAX_BODY[dialect] });
  return protocol as SessionProtocol<unknown> as SessionProtocol<Body>;
}
