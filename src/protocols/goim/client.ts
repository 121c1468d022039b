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

/** State of a client. */
export type GoimClientState = LinkState;

/**
 * A goim client. It authenticates, sends heartbeats, limits the requests in flight to what the
 * server can hold, notices a dead server, and reconnects.
 *
 * It opens no socket and sets no timer itself: `connect` opens a connection over any transport, and
 * time comes from a `Clock`. The handler `push` receives each push on its own, also from a batch.
 *
 * A request is sent at most once. If the connection fails first, unanswered requests are rejected
 * (`closed`), because the server may have acted on them. Requests that were not sent yet go out
 * over the next connection.
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
 *     // After each reconnect too: the new session has only what the token says.
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
   * Starts to connect at once.
   *
   * @param options - how to connect, the token, and the handlers
   * @throws RangeError for an unknown dialect, `inFlight` outside 1 to 7 (1 to 6 for JSON),
   *   `heartbeat` 0, or another invalid limit
   */
  constructor(options: GoimClientOptions<Body>);
  /**
   * For a protocol without framing, such as JSON: `connect` needs a transport that preserves
   * message boundaries.
   */
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
    // Requests made before the server has accepted the token wait.
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

  /** State of the client. */
  get state(): GoimClientState {
    return this.#link.state;
  }

  /** Number of clients in the room in the last heartbeat reply; v2 only. */
  get online(): number | undefined {
    return this.#online;
  }

  /**
   * Sends a request as soon as there is room for it, and returns its reply.
   *
   * @param op - the operation, such as `operations.v2.changeRoom`
   * @param body - its body
   * @param options - `timeout`, `signal`
   * @returns the reply; rejected with a ProtocolError: `timeout`; `closed` if the connection or the
   *   client ended first; `overflow` if too many wait; `unencodable`, also for an operation that
   *   the client sends itself or that has no reply; or with the reason of `signal`
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

  /**
   * Ends the session for good: sends what is queued, then closes the connection. Unanswered
   * requests are rejected.
   */
  close(): void {
    this.#link.close();
  }

  #replyTo(op: number): number {
    const isOurs = op === heartbeat || op === auth || (op === raw && this.#dialect === "v2");
    const reply = isOurs ? undefined : replyTo(op, this.#dialect, this.#options.replies);
    if (reply !== undefined) return reply;
    throw new ProtocolError("unencodable", `operation ${op} is not a request in ${this.#dialect}`);
  }

  #send(op: number, seq: number, body: Body | undefined): void {
    this.#link.connection?.send({ ver: VERSION, op, seq, body });
  }

  /** Sends a request that the session itself needs; if it fails, the connection closes. */
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
        // Unless it failed with its connection.
        if (connection === this.#link.connection && connection?.state === "open") {
          this.#link.drop(error);
        }
      });
  }

  /**
   * Replies are handled at once. Push handlers, which may wait for replies, have their own queue.
   */
  #received(packet: Packet<Body>): void {
    if (this.#requests.answer(packet.seq, packet)) return;
    const { push } = this.#options;
    if (push !== undefined) this.#link.calls?.add(() => push(this, packet));
  }

  /**
   * At most one heartbeat is open: the server's ring has few places, and a backlog may come before
   * the reply.
   */
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

/** The default protocol, with bodies as bytes. */
function binary<Body>(dialect: Dialect): SessionProtocol<Body> {
  const protocol = goim({ flatten: dialect === "v2", maxSendBody: MAX_BODY[dialect] });
  return protocol as SessionProtocol<unknown> as SessionProtocol<Body>;
}
