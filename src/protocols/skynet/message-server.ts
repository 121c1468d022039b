import {
  type Clock,
  type Connection,
  checkInteger,
  checkLimits,
  checkOptions,
  encodeFrame,
  guard,
  type Handlers,
  handlerErrorsOf,
  type Protocol,
  ProtocolError,
  reportBug,
  systemClock,
  wasReported,
} from "../../core/index.ts";
import { Calls } from "../../session/index.ts";
import { AnswerTable, type Entry } from "./answer-table.ts";
import { base64Decode } from "./base64.ts";
import { hmacHash } from "./hashes.ts";
import { checkKey, isSame } from "./key.ts";
import { lastingHandlers } from "./lasting-handlers.ts";
import { type LoginName, username } from "./names.ts";
import {
  answerPackages,
  handshakePackages,
  type MessageAnswer,
  type MessageRequest,
  serverPackages,
} from "./packages.ts";
import { INDEX_EXPIRED, STATUS_LINES } from "./status.ts";

/** A login at the message server. It outlives its connections, until `logout`. */
export interface SkynetUser {
  /** In the client's form: `base64(uid)@base64(server)#base64(subid)`. */
  readonly username: string;
  readonly uid: string | Uint8Array;
  readonly server: string | Uint8Array;
  readonly subid: string | Uint8Array;
  /** True while a connection of this login is open. */
  readonly isConnected: boolean;
}

/** A login that the login server has accepted. */
export interface AcceptedLogin extends LoginName {
  /** Secret that the client shares with the servers: 8 bytes. */
  readonly secret: Uint8Array;
}

/** Options for {@link messageServer}. Times are in milliseconds. */
export interface MessageServerOptions {
  /**
   * Handles one request; requests of one client run concurrently. If it throws or rejects, the
   * error is reported, and the client receives a failure as answer.
   *
   * @returns the answer, 0 to 65 530 bytes
   */
  request(user: SkynetUser, content: Uint8Array): Uint8Array | PromiseLike<Uint8Array>;
  /** Called when a client has connected or reconnected. */
  readonly open?: ((user: SkynetUser) => unknown) | undefined;
  /**
   * Called when the connection of a user is gone and no other one has replaced it. The login stays.
   */
  readonly close?: ((user: SkynetUser) => unknown) | undefined;
  /**
   * Called with errors of `request`, and with answers that are too long.
   * @defaultValue errors are printed
   */
  readonly report?: ((error: unknown, user: SkynetUser) => unknown) | undefined;
  /**
   * Minimum answers per login that are kept for a client that reconnects; up to twice as many are
   * kept. Named after skynet's `expired_number`.
   * @defaultValue 128
   */
  readonly expired?: number | undefined;
  /**
   * Maximum concurrent requests of one client; further ones wait.
   * @defaultValue 256
   */
  readonly concurrency?: number | undefined;
  /**
   * Time limit from connecting to a client's handshake; 0 or Infinity for no limit.
   * @defaultValue 10 000
   */
  readonly timeout?: number | undefined;
  /**
   * Clock for the timeout.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
}

/** A message server, without a socket. */
export interface MessageServer {
  /** Protocol for `listen`. */
  readonly protocol: Protocol<string>;
  /** Handlers of every connection, for `listen`. */
  readonly handlers: Handlers<string, string, unknown>;
  /** Number of logins. */
  readonly size: number;
  /**
   * Adds a login, with an empty table of answers. An older login of the same name ends.
   *
   * @throws RangeError unless the secret has 8 bytes
   */
  login(login: AcceptedLogin): SkynetUser;
  /**
   * Ends a login: its connection is closed, and the next handshake of that name gets status 404.
   *
   * @param username - the username of a {@link SkynetUser}
   * @returns false if there is no such login
   */
  logout(username: string): boolean;
  /** Returns the login of that name. */
  user(username: string): SkynetUser | undefined;
}

const OPTIONS = [
  ...["request", "open", "close", "report", "expired", "concurrency", "timeout", "clock"],
];

/**
 * Creates a message server of skynet (`snax.msgserver`). Clients that have logged in prove that
 * they have the secret, and send requests. When a connection is lost, they reconnect, and requests
 * that they send again are not executed again.
 *
 * It speaks the protocol of skynet's own server and fixes its defects: an index must be a decimal
 * number, a later connection closes the older one, an answer that is too long counts as failed, and
 * a remembered request is never executed twice. Handshakes have a time limit.
 *
 * @throws TypeError for an unknown option; RangeError for an invalid limit
 *
 * @example
 * ```ts
 * import { connect, listen } from "framewright/node";
 * import { messageServer, SkynetClient } from "framewright/skynet";
 *
 * const server = messageServer({ request: (_, content) => content.slice().reverse() });
 * const secret = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
 * const { username } = server.login({ uid: "alice", server: "sample", subid: "1", secret });
 * const { port, close } = await listen(server.protocol, { port: 0, ...server.handlers });
 *
 * const client = new SkynetClient({
 *   connect: (protocol, handlers) => connect(protocol, { port, ...handlers }),
 *   username,
 *   secret,
 * });
 * const answer = await client.request(Uint8Array.of(1, 2, 3));
 * console.log(answer.join(" "));
 * //=> 3 2 1
 * client.close();
 * await close();
 * ```
 */
export function messageServer(options: MessageServerOptions): MessageServer {
  checkOptions("messageServer", options, OPTIONS);
  checkLimits(options, "timeout", "concurrency");
  checkInteger("expired", options.expired ?? 128, 1);
  const users = new Map<string, User>();
  return Object.freeze<MessageServer>({
    protocol: handshakePackages(),
    handlers: Object.freeze<Handlers<string, string, Visit>>({
      context: () => new Visit(options, users),
      open: (connection) => connection.context.opened(connection),
      message: (connection, text) => connection.context.greeted(text),
    }) as Handlers<string, string, unknown>,
    get size() {
      return users.size;
    },
    login(login) {
      const user = new User(login, options.expired);
      users.get(user.username)?.logout();
      users.set(user.username, user);
      return user;
    },
    logout(name) {
      users.get(name)?.logout();
      return users.delete(name);
    },
    user: (name) => users.get(name),
  });
}

class User implements SkynetUser {
  readonly username: string;
  readonly uid: string | Uint8Array;
  readonly server: string | Uint8Array;
  readonly subid: string | Uint8Array;
  readonly secret: Uint8Array;
  readonly answers: AnswerTable<Visit>;
  /** The last accepted index. */
  index = 0;
  visit: Visit | undefined;

  constructor(login: AcceptedLogin, expired = 128) {
    checkKey("secret", login.secret);
    this.username = username(login);
    this.uid = login.uid;
    this.server = login.server;
    this.subid = login.subid;
    this.secret = login.secret.slice();
    this.answers = new AnswerTable(expired);
  }

  get isConnected(): boolean {
    return this.visit !== undefined;
  }

  logout(): void {
    this.visit?.connection.close();
  }
}

/** One connection. */
class Visit {
  readonly #options: MessageServerOptions;
  readonly #users: ReadonlyMap<string, User>;
  connection!: Connection<string, string, Visit>;
  #calls: Calls<() => unknown> | undefined;
  #stopTimer = (): void => {};

  constructor(options: MessageServerOptions, users: ReadonlyMap<string, User>) {
    this.#options = options;
    this.#users = users;
  }

  opened(connection: Connection<string, string, Visit>): void {
    this.connection = connection;
    const { timeout = 10_000, clock = systemClock } = this.#options;
    if (timeout > 0 && timeout !== Infinity) {
      this.#stopTimer = clock.after(timeout, () => {
        connection.abort(new ProtocolError("timeout", `no handshake within ${timeout} ms`));
      });
      connection.onClose(() => this.#stopTimer());
    }
  }

  /** Handles the first package. */
  greeted(text: string): void {
    this.#stopTimer();
    const [name = "", index = "", proof] = text.split(":", 3);
    const user = proof === undefined ? undefined : this.#users.get(name);
    const status = user === undefined ? STATUS_LINES[404] : verify(user, index, proof!);
    this.connection.send(status);
    if (user === undefined || status !== STATUS_LINES[200]) this.connection.close();
    else this.#welcome(user, Number(index));
  }

  #welcome(user: User, index: number): void {
    const older = user.visit;
    user.index = index;
    user.visit = this;
    if (older !== undefined) {
      older.#leave(user);
      older.connection.close();
    }
    const connection = this.connection.use<MessageAnswer, MessageRequest>(serverPackages(), {
      ...lastingHandlers(this.connection),
      message: (_, request) => this.#asked(user, request),
    });
    const { concurrency = 256 } = this.#options;
    this.#calls = new Calls({ connection, concurrency, run: (call) => call() });
    // A client that sends no more is gone: running requests are answered when it reconnects.
    connection.onInputEnd(() => connection.close());
    connection.onClose(() => {
      this.#leave(user);
      if (user.visit !== this) return;
      user.visit = undefined;
      guard(() => this.#options.close?.(user));
    });
    guard(
      () => this.#options.open?.(user),
      (error) => connection.failed(error),
    );
  }

  /** Forgets requests that have not begun; running ones continue. */
  #leave(user: User): void {
    this.#calls?.clear();
    user.answers.left(this);
  }

  #asked(user: User, { session, content }: MessageRequest): void {
    const step = user.answers.asked(session, this, user.index);
    if (step.kind === "conflict") this.connection.close();
    else if (step.kind === "replay") this.#answer(user, step.entry);
    else if (step.kind === "run") {
      const { entry } = step;
      this.#calls?.add(() => this.#run(user, entry, content), 512 + content.length);
    }
  }

  async #run(user: User, entry: Entry<Visit>, content: Uint8Array): Promise<void> {
    const { session } = entry;
    entry.isBegun = true;
    let frame: Uint8Array<ArrayBuffer>;
    try {
      const answer = await this.#options.request(user, content);
      frame = encodeFrame(answerPackages(), { content: answer, ok: true, session });
    } catch (error) {
      frame = encodeFrame(answerPackages(), { content: new Uint8Array(0), ok: false, session });
      this.#report(error, user);
    }
    user.answers.done(entry, frame);
    this.#answer(user, entry);
  }

  #answer(user: User, entry: Entry<Visit>): void {
    // Unless another connection has replaced this one, or the login has ended.
    if (entry.peer === user.visit) entry.peer?.connection.sendFrame(entry.frame!);
    user.answers.answered(entry);
  }

  #report(error: unknown, user: User): void {
    const { report } = this.#options;
    if (report !== undefined) guard(() => report(error, user));
    else if (!wasReported(error)) reportBug(error, handlerErrorsOf(this.connection));
  }
}

/** Returns the status for the handshake of a known user. Checks in skynet's order. */
function verify(user: User, index: string, proof: string): string {
  const number = /^-?\d+$/.test(index) ? Number(index) : Number.NaN;
  if (!Number.isSafeInteger(number)) return STATUS_LINES[400];
  let hmac: Uint8Array;
  try {
    hmac = base64Decode(proof);
  } catch {
    return STATUS_LINES[400];
  }
  if (number <= user.index) return INDEX_EXPIRED;
  // The client's spelling of the name equals the user's, so the latter can be used for what was
  // signed.
  const signed = hmacHash(user.secret, `${user.username}:${index}`);
  return isSame(hmac, signed) ? STATUS_LINES[200] : STATUS_LINES[401];
}
