import {
  type Clock,
  type Connection,
  checkLimits,
  checkOptions,
  guard,
  type Handlers,
  handlerErrorsOf,
  type Protocol,
  ProtocolError,
  reportBug,
  systemClock,
  wasReported,
} from "../../core/index.ts";
import { base64Decode, base64Encode } from "./base64.ts";
import { desDecode } from "./des.ts";
import { dhExchange, dhSecret } from "./dh.ts";
import { hmac64 } from "./hashes.ts";
import { isSame, KEY, type RandomBytes, randomKey } from "./key.ts";
import { loginLines } from "./login-lines.ts";
import { STATUS_LINES } from "./status.ts";

/** An authenticated user, and the message server to log in to. */
export interface Authenticated {
  /** Id of the user. */
  readonly uid: string;
  /** Name of the message server to log in to. */
  readonly server: string;
}

/** An authenticated user, about to be logged in. */
export interface LoginRequest extends Authenticated {
  /** The secret that the client shares with the servers: 8 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
}

/** Options for {@link loginServer}. Times are in milliseconds. */
export interface LoginServerOptions {
  /**
   * Authenticates a client by its token (see `readLoginToken`); return undefined to reject it. The
   * client then receives status 401, also if this throws or rejects.
   */
  authenticate(
    token: Uint8Array,
  ): Authenticated | undefined | PromiseLike<Authenticated | undefined>;
  /**
   * Logs a user in at the requested message server; return undefined to forbid it. The client then
   * receives status 403, also if this throws or rejects.
   *
   * @returns the number of this login, which the client receives
   */
  login(request: LoginRequest): string | undefined | PromiseLike<string | undefined>;
  /** A source of random bytes, for challenges and private keys. */
  readonly random: RandomBytes;
  /**
   * Allows a user to log in while `login` still runs for the same user. Otherwise the later client
   * receives status 406.
   * @defaultValue false
   */
  readonly multilogin?: boolean | undefined;
  /**
   * Time limit from connecting to a client's last line; 0 or Infinity for no limit.
   * @defaultValue 10 000
   */
  readonly timeout?: number | undefined;
  /**
   * Called with errors of `authenticate` and `login`.
   * @defaultValue errors are printed
   */
  readonly report?: ((error: unknown) => unknown) | undefined;
  /**
   * Clock for the timeout.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
}

/** A login server, without a socket. */
export interface LoginServer {
  /** Protocol for `listen`. */
  readonly protocol: Protocol<string>;
  /** Handlers of every connection, for `listen`. */
  readonly handlers: Handlers<string, string, unknown>;
}

const OPTIONS = [
  ...["authenticate", "login", "random", "multilogin", "timeout", "report", "clock"],
];

/**
 * Creates a login server of skynet (`snax.loginserver`). It agrees on a secret with clients,
 * authenticates them by a token, and logs them in at a message server.
 *
 * Unlike skynet's own, it closes after each status, limits the time of the exchange, and refuses
 * weak public keys. Tokens are only as safe as 64-bit Diffie-Hellman and DES: use it over TLS.
 *
 * @throws TypeError for an unknown option; RangeError for an invalid limit
 *
 * @example
 * ```ts
 * import { randomBytes } from "node:crypto";
 * import { connect, listen } from "framewright/node";
 * import { loginServer, readLoginToken, skynetLogin } from "framewright/skynet";
 *
 * const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
 * const server = loginServer({
 *   authenticate(token) {
 *     const parts = readLoginToken(token);
 *     if (parts === undefined || text(parts.password) !== "secret") return undefined;
 *     return { uid: text(parts.user), server: text(parts.server) };
 *   },
 *   login: ({ server }) => (server === "sample" ? "1" : undefined),
 *   random: randomBytes,
 * });
 * const { port, close } = await listen(server.protocol, { port: 0, ...server.handlers });
 *
 * const { subid } = await skynetLogin({
 *   connect: (protocol, handlers) => connect(protocol, { port, ...handlers }),
 *   token: { user: "alice", server: "sample", password: "secret" },
 *   random: randomBytes,
 * });
 * console.log(subid);
 * //=> 1
 * await close();
 * ```
 */
export function loginServer(options: LoginServerOptions): LoginServer {
  checkOptions("loginServer", options, OPTIONS);
  checkLimits(options, "timeout");
  const shared: Shared = { options, busy: new Set() };
  return Object.freeze<LoginServer>({
    protocol: loginLines(),
    handlers: Object.freeze<Handlers<string, string, Visit>>({
      context: () => new Visit(shared),
      open: (connection) => connection.context.opened(connection),
      message: (connection, line) => connection.context.received(line),
      close: (connection) => connection.context.closed(),
    }) as Handlers<string, string, unknown>,
  });
}

interface Shared {
  readonly options: LoginServerOptions;
  /** Users for whom `login` is running. */
  readonly busy: Set<string>;
}

/** One connection. */
class Visit {
  readonly #shared: Shared;
  readonly #challenge: Uint8Array;
  readonly #privateKey: Uint8Array;
  #connection!: Connection<string, string, Visit>;
  #secret: Uint8Array<ArrayBuffer> | undefined;
  #isProven = false;
  #stopTimer = (): void => {};

  constructor(shared: Shared) {
    this.#shared = shared;
    this.#challenge = randomKey(shared.options.random);
    this.#privateKey = randomKey(shared.options.random);
  }

  opened(connection: Connection<string, string, Visit>): void {
    this.#connection = connection;
    const { timeout = 10_000, clock = systemClock } = this.#shared.options;
    if (timeout > 0 && timeout !== Infinity) {
      this.#stopTimer = clock.after(timeout, () => {
        connection.abort(new ProtocolError("timeout", `no login within ${timeout} ms`));
      });
    }
    connection.send(base64Encode(this.#challenge));
  }

  received(line: string): unknown {
    let bytes: Uint8Array;
    try {
      bytes = base64Decode(line);
      if (this.#secret === undefined) return this.#exchange(bytes);
      if (!this.#isProven) return this.#prove(this.#secret, bytes);
      bytes = desDecode(this.#secret, bytes);
    } catch {
      return this.#end(STATUS_LINES[401]);
    }
    // Data after the token is ignored, and the remaining work does not count against the client's
    // time.
    this.#stopTimer();
    return this.#logIn(this.#secret, bytes);
  }

  closed(): void {
    this.#stopTimer();
  }

  /**
   * Computes the secret.
   *
   * @throws for a key of another length, or a weak one
   */
  #exchange(publicKey: Uint8Array): void {
    if (publicKey.length !== KEY) throw new RangeError("not a public key");
    this.#connection.send(base64Encode(dhExchange(this.#privateKey)));
    this.#secret = dhSecret(publicKey, this.#privateKey);
  }

  #prove(secret: Uint8Array, proof: Uint8Array): void {
    this.#isProven = isSame(proof, hmac64(this.#challenge, secret));
    if (!this.#isProven) this.#end(STATUS_LINES[401]);
  }

  async #logIn(secret: Uint8Array<ArrayBuffer>, token: Uint8Array): Promise<void> {
    const { options, busy } = this.#shared;
    const who = await this.#attempt(() => options.authenticate(token));
    if (who === undefined) return this.#end(STATUS_LINES[401]);
    const { uid, server } = who;
    const isAlone = options.multilogin !== true;
    if (isAlone && busy.has(uid)) return this.#end(STATUS_LINES[406]);
    if (isAlone) busy.add(uid);
    const subid = await this.#attempt(() => options.login({ uid, server, secret }));
    if (isAlone) busy.delete(uid);
    this.#end(subid === undefined ? STATUS_LINES[403] : `200 ${base64Encode(subid)}`);
  }

  /** Returns the result of a handler; undefined if it fails. */
  async #attempt<T>(call: () => T | PromiseLike<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      const { report } = this.#shared.options;
      if (report !== undefined) guard(() => report(error));
      else if (!wasReported(error)) reportBug(error, handlerErrorsOf(this.#connection));
      return undefined;
    }
  }

  #end(status: string): void {
    this.#connection.send(status);
    this.#connection.close();
  }
}
