import {
  type Clock,
  checkInteger,
  checkLimits,
  checkOptions,
  guard,
  handlerErrorsOf,
  i32be,
  isThenable,
  ProtocolError,
  reportBug,
  systemClock,
} from "../../core/index.ts";
import { Calls } from "../../session/index.ts";
import { backoffDelay } from "./backoff.ts";
import { closedError, Link, reasonOf } from "./client-link.ts";
import type { GoimClientOptions, SessionConnection, SessionProtocol } from "./client-options.ts";
import { checkedDialect, type Dialect, MAX_BODY, replyTo } from "./dialect.ts";
import { goim } from "./goim.ts";
import type { Call } from "./in-flight.ts";
import { operations } from "./operations.ts";
import { type Packet, VERSION } from "./packet.ts";

const { heartbeat, heartbeatReply, auth, authReply, raw } = operations.v2;

const OPTIONS = [
  ...["connect", "token", "dialect", "protocol", "replies", "inFlight", "maxWaiting", "heartbeat"],
  ...["requestTimeout", "connectTimeout", "authTimeout", "retries", "backoff", "clock", "random"],
  ...["open", "push", "online", "retry", "close", "error"],
];

/** Where a client is. */
export type GoimClientState = "connecting" | "authenticating" | "open" | "waiting" | "closed";

/**
 * A client of goim that behaves: it says who it is, sends heartbeats, keeps requests within what the server
 * can hold, notices a dead server, and connects again.
 *
 * ```text
 *                 opened            op 8                     anything fails
 *   connecting ----------> authenticating ----------> open -----------------> waiting
 *       ^                      | refused, too late                               |
 *       |                      +-------------------------------------------------+
 *       +------------------------------ after 1 s, 2 s, 4 s ... ----------------+
 *   close() from anywhere -> closed
 * ```
 *
 * It opens no socket itself and keeps no timer of its own: `connect` opens a connection with any transport, and time
 * comes from a `Clock`. Pushes go to the handler `push`, a batch's each on its own.
 *
 * A request is sent once, at most. Those that the server did not answer before the connection failed are rejected
 * (`closed`): it may have acted on them. Those that still wait go out over the next connection.
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
  readonly #protocol: SessionProtocol<Body>;
  readonly #dialect: Dialect;
  readonly #clock: Clock;
  readonly #maxInFlight: number;
  /** Between heartbeats. */
  readonly #interval: number;

  #state: GoimClientState = "connecting";
  #link: Link<Body> | undefined;
  #failures = 0;
  #online: number | undefined;
  /** Requests that were not sent yet. */
  #waiting: Call<Body>[] = [];
  /** A heartbeat is to be sent, before any request. */
  #isBeatDue = false;
  /** The last heartbeat was not answered. */
  #isBeatOpen = false;
  /** Each state has one time limit, and this calls it off. */
  #calm: () => void = () => {};

  /**
   * Begins to connect at once.
   *
   * @param options - how to connect, who you are, and what to call
   * @throws RangeError for a dialect that is none, `inFlight` outside 1 to 7, no time between heartbeats, or another limit
   *   that is none
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
    const { dialect, inFlight = 4, heartbeat: interval = 30_000, clock = systemClock } = options;
    checkOptions("GoimClient", options, OPTIONS);
    this.#options = options;
    this.#dialect = checkedDialect(dialect);
    // The server's ring holds 8, and it claims the next place before it reads.
    checkInteger("inFlight", inFlight, 1, 7);
    checkLimits(
      options,
      "connectTimeout",
      "authTimeout",
      "requestTimeout",
      "maxWaiting",
      "retries",
    );
    checkOptions("backoff", options.backoff ?? {}, ["least", "most"]);
    checkLimits(options.backoff ?? {}, "least", "most");
    // Without heartbeats there is no telling whether the server is still there, nor does it keep the client for long.
    if (!(typeof interval === "number" && interval > 0)) {
      throw new RangeError(`heartbeat must be more than 0 ms, not ${String(interval)}`);
    }
    this.#maxInFlight = inFlight;
    this.#interval = interval;
    this.#clock = clock;
    this.#protocol = options.protocol ?? binary(this.#dialect);
    this.#connect();
  }

  /** Where the client is. */
  get state(): GoimClientState {
    return this.#state;
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
   * @returns the reply; rejected with a ProtocolError: `timeout`; `closed` where the connection or the client ended
   *   first; `overflow` where too many wait; `unencodable`, also for an operation that is the session's own or has no
   *   reply
   */
  request(op: number, body?: Body): Promise<Packet<Body>> {
    return new Promise((resolve, reject) => {
      const reply = this.#replyTo(op);
      if (this.#state === "closed") throw closedError();
      const { maxWaiting = 1000, requestTimeout = 10_000 } = this.#options;
      if (this.#waiting.length >= maxWaiting) {
        throw new ProtocolError("overflow", `${maxWaiting} requests wait already`);
      }
      let calm = (): void => {};
      const call: Call<Body> = {
        op,
        reply,
        body,
        isOver: false,
        answered(packet) {
          calm();
          resolve(packet);
        },
        failed(error) {
          calm();
          call.isOver = true;
          reject(error);
        },
      };
      if (requestTimeout > 0) {
        calm = this.#clock.after(requestTimeout, () => {
          const at = this.#waiting.indexOf(call);
          if (at >= 0) this.#waiting.splice(at, 1);
          call.failed(new ProtocolError("timeout", `no reply within ${requestTimeout} ms`));
        });
      }
      this.#waiting.push(call);
      this.#pump();
    });
  }

  /** Ends the session for good: what was sent goes out, then the connection closes. Unanswered requests fail. */
  close(): void {
    this.#end();
  }

  #replyTo(op: number): number {
    const isOurs = op === heartbeat || op === auth || (op === raw && this.#dialect === "v2");
    const reply = isOurs ? undefined : replyTo(op, this.#dialect, this.#options.replies);
    if (reply !== undefined) return reply;
    throw new ProtocolError("unencodable", `operation ${op} is no request in ${this.#dialect}`);
  }

  // ---- connecting

  #connect(): void {
    const link = new Link<Body>(this.#maxInFlight);
    this.#link = link;
    this.#state = "connecting";
    const { connectTimeout = 10_000, connect, error } = this.#options;
    this.#limit(connectTimeout, "open connection");
    try {
      const opening = connect(this.#protocol, {
        signal: link.cancel,
        open: (connection) => this.#opened(link, connection),
        message: (_, packet) => this.#received(link, packet),
        close: (_, info) => this.#lost(link, reasonOf(info)),
        // Without one, what a handler throws is reported as uncaught.
        ...(error && { error: (_: unknown, thrown: unknown) => error(this, thrown) }),
      });
      if (isThenable(opening)) {
        opening.then(
          (connection) => this.#given(link, connection),
          (reason) => this.#lost(link, reason),
        );
      } else {
        this.#given(link, opening);
      }
    } catch (reason) {
      this.#lost(link, reason);
    }
  }

  /** What `connect` answered with; most connections have said themselves that they are open by now. */
  #given(link: Link<Body>, connection: SessionConnection<Body>): void {
    if (link.connection === undefined && connection.state === "open") {
      connection.abort();
      this.#lost(link, new TypeError("connect did not give the handlers to its connection"));
    }
    link.connection ??= connection;
  }

  #opened(link: Link<Body>, connection: SessionConnection<Body>): void {
    link.connection = connection;
    link.calls = new Calls({ connection, run: (work) => work() });
    // The server sends no more: what it has not answered has failed.
    connection.onInputEnd((error) => this.#lost(link, error));
    if (this.#link !== link) {
      connection.abort();
      return;
    }
    this.#state = "authenticating";
    this.#limit(this.#options.authTimeout ?? 4500, "reply to the token");
    const token = this.#options.token as Body | (() => Body | PromiseLike<Body>);
    // No token, no session: an attempt that failed, like one to connect.
    const failed = (reason: unknown): void => this.#dropLink(link, reason);
    try {
      const made =
        typeof token === "function" ? (token as () => Body | PromiseLike<Body>)() : token;
      if (isThenable(made)) made.then((later) => this.#authenticate(link, later), failed);
      else this.#authenticate(link, made);
    } catch (reason) {
      failed(reason);
    }
  }

  #authenticate(link: Link<Body>, token: Body): void {
    if (this.#link !== link) return;
    this.#send(
      link,
      this.#own(auth, authReply, token, () => this.#welcomed(link)),
    );
  }

  #welcomed(link: Link<Body>): void {
    this.#calm();
    this.#state = "open";
    this.#failures = 0;
    this.#isBeatOpen = false;
    this.#beat();
    link.calls?.add(() => this.#options.open?.(this));
  }

  // ---- open

  /** Replies are taken at once: handlers of pushes, which may wait for some, have a queue of their own. */
  #received(link: Link<Body>, packet: Packet<Body>): void {
    if (this.#link !== link) return;
    const call = link.inFlight.take(packet);
    if (call === undefined) {
      const { push } = this.#options;
      if (push !== undefined) link.calls?.add(() => push(this, packet));
      return;
    }
    if (!call.isOver) call.answered(packet);
    this.#pump();
  }

  /** At once when the session opens, and then at each interval. */
  #beat(): void {
    const interval = this.#interval;
    if (this.#isBeatOpen) {
      this.#drop(new ProtocolError("timeout", `no reply to a heartbeat within ${interval} ms`));
      return;
    }
    this.#isBeatOpen = true;
    this.#isBeatDue = true;
    this.#calm = this.#clock.after(interval, () => this.#beat());
    this.#pump();
  }

  #beaten(link: Link<Body>, { body }: Packet<Body>): void {
    this.#isBeatOpen = false;
    if (this.#dialect !== "v2" || !(body instanceof Uint8Array) || body.length !== 4) return;
    const count = i32be(body, 0);
    this.#online = count;
    link.calls?.add(() => this.#options.online?.(this, count));
  }

  /** Sends what waits, as far as the server has room. */
  #pump(): void {
    const link = this.#link;
    while (this.#state === "open" && link !== undefined && link.inFlight.hasRoom) {
      if (this.#isBeatDue) {
        this.#isBeatDue = false;
        this.#send(
          link,
          this.#own(heartbeat, heartbeatReply, undefined, (packet) => this.#beaten(link, packet)),
        );
        continue;
      }
      const call = this.#waiting.shift();
      if (call === undefined) return;
      this.#send(link, call);
    }
  }

  #send(link: Link<Body>, call: Call<Body>): void {
    const { op, body } = call;
    const seq = link.inFlight.add(call);
    try {
      link.connection!.send({ ver: VERSION, op, seq, body });
    } catch (error) {
      link.inFlight.remove(seq);
      call.failed(error);
    }
  }

  /** A request of the session itself: without it there is no session. */
  #own(
    op: number,
    reply: number,
    body: Body | undefined,
    answered: (packet: Packet<Body>) => void,
  ): Call<Body> {
    const failed = (error: unknown): void => this.#drop(error);
    return { op, reply, body, isOver: false, answered, failed };
  }

  // ---- the end

  #limit(ms: number, what: string): void {
    this.#calm();
    this.#calm = () => {};
    if (ms === 0) return;
    this.#calm = this.#clock.after(ms, () => {
      this.#drop(new ProtocolError("timeout", `no ${what} within ${ms} ms`));
    });
  }

  /** Gives this connection up. */
  #drop(error: unknown): void {
    if (this.#link !== undefined) this.#dropLink(this.#link, error);
  }

  #dropLink(link: Link<Body>, error: unknown): void {
    this.#lost(link, error);
    link.abort(error);
  }

  #lost(link: Link<Body>, reason: unknown): void {
    if (this.#link !== link) return;
    const error = reason ?? this.#closedByServer();
    this.#link = undefined;
    this.#calm();
    this.#isBeatDue = false;
    this.#state = "waiting";
    this.#failures++;
    for (const call of link.inFlight.clear()) call.failed(closedError(error));

    const { retries = Infinity, backoff = {}, random = Math.random, retry } = this.#options;
    const failures = this.#failures;
    if (failures > retries) {
      this.#end(error);
      return;
    }
    const delay = backoffDelay(backoff, failures, random);
    this.#calm = this.#clock.after(delay, () => this.#connect());
    const isWanted = guard(
      () => retry?.(this, { failures, delay, error }),
      (thrown) => this.#failed(link, thrown),
    );
    if (isWanted === false) this.#end(error);
  }

  /** A handler failed that no connection has called. */
  #failed(link: Link<Body>, thrown: unknown): void {
    const { error } = this.#options;
    if (error === undefined) reportBug(thrown, handlerErrorsOf(link.connection));
    else guard(() => error(this, thrown));
  }

  #closedByServer(): ProtocolError {
    // A server gives no reason, and no reply, to whom it refuses.
    return this.#state === "authenticating"
      ? new ProtocolError("refused", "closed instead of a reply to the token")
      : new ProtocolError("closed", "closed by the server");
  }

  #end(error?: unknown): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#calm();
    const link = this.#link;
    this.#link = undefined;
    const calls = [...(link?.inFlight.clear() ?? []), ...this.#waiting];
    this.#waiting = [];
    for (const call of calls) call.failed(closedError(error));
    link?.close();
    guard(() => this.#options.close?.(this, error));
  }
}

/** Where no protocol is given, bodies are bytes. */
function binary<Body>(dialect: Dialect): SessionProtocol<Body> {
  const protocol = goim({ flatten: dialect === "v2", maxSendBody: MAX_BODY[dialect] });
  return protocol as SessionProtocol<unknown> as SessionProtocol<Body>;
}
