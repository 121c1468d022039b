import {
  type CancelSignal,
  type Clock,
  type Connection,
  checkLimits,
  checkOptions,
  closedError,
  decodeUtf8,
  type Handlers,
  isThenable,
  onAbort,
  type Protocol,
  ProtocolError,
  systemClock,
} from "../../core/index.ts";
import { base64Decode, base64Encode } from "./base64.ts";
import { desEncode } from "./des.ts";
import { dhExchange, dhSecret } from "./dh.ts";
import { hmac64 } from "./hashes.ts";
import { KEY, type RandomBytes, randomKey } from "./key.ts";
import { loginLines } from "./login-lines.ts";
import { type LoginToken, loginToken } from "./names.ts";
import { StatusError, statusOf } from "./status.ts";
import { bytesOf } from "./text.ts";

/** Handlers that a session passes to `connect`. */
export type SessionHandlers = Handlers<string> & {
  /** Aborts the attempt: pass it to `connect` of a transport as its option of the same name. */
  readonly signal?: CancelSignal | undefined;
};

/** Opens a connection over any transport; must pass `handlers` on unchanged. */
export type Connect = (
  protocol: Protocol<string>,
  handlers: SessionHandlers,
) => Connection<string> | PromiseLike<Connection<string>>;

/** Options for {@link skynetLogin}. Times are in milliseconds. */
export interface SkynetLoginOptions {
  /** Opens a connection to the login server, over any transport. */
  readonly connect: Connect;
  /** The parts of a token, or a token in the server's own form (text is encoded as UTF-8). */
  readonly token: LoginToken | Uint8Array | string;
  /** A source of random bytes, for the private key. */
  readonly random: RandomBytes;
  /**
   * Time limit for each step of the server; 0 or Infinity for no limit.
   * @defaultValue 10 000
   */
  readonly timeout?: number | undefined;
  /** Aborts the login: the promise is rejected with the signal's reason. */
  readonly signal?: CancelSignal | undefined;
  /**
   * Clock for timeouts.
   * @defaultValue the runtime's clock
   */
  readonly clock?: Clock | undefined;
}

/** A login that a server has accepted. */
export interface SkynetLogin {
  /** Secret that this login shares with the servers: 8 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** Number of this login, for the name at the message server. */
  readonly subid: string;
}

const OPTIONS = ["connect", "token", "random", "timeout", "signal", "clock"];

/**
 * Logs in to a login server of skynet (`snax.loginserver`), and closes the connection.
 *
 * ```text
 *   server    base64(challenge)
 *   client    base64(client's public key)
 *   server    base64(server's public key)
 *   client    base64(hmac64(challenge, secret))
 *   client    base64(desEncode(secret, token))
 *   server    200 base64(subid)
 * ```
 *
 * The exchange does not protect against an attacker in the middle: use it over TLS.
 *
 * @returns the secret and the subid. Rejected with a {@link StatusError} if the server refuses, a
 *   ProtocolError (`timeout`, `closed`, `malformed`), the signal's reason, or the error of
 *   `connect`
 *
 * @example
 * ```ts
 * import { randomBytes } from "node:crypto";
 * import { connect } from "framewright/node";
 * import { SkynetClient, skynetLogin, username } from "framewright/skynet";
 *
 * export async function enter(host: string, user: string, password: string): Promise<SkynetClient> {
 *   const server = "sample";
 *   const { secret, subid } = await skynetLogin({
 *     connect: (protocol, handlers) => connect(protocol, { host, port: 8001, ...handlers }),
 *     token: { user, server, password },
 *     random: randomBytes,
 *   });
 *   return new SkynetClient({
 *     connect: (protocol, handlers) => connect(protocol, { host, port: 8888, ...handlers }),
 *     username: username({ uid: user, server, subid }),
 *     secret,
 *   });
 * }
 * ```
 */
export function skynetLogin(options: SkynetLoginOptions): Promise<SkynetLogin> {
  return new Promise((resolve, reject) => {
    checkOptions("skynetLogin", options, OPTIONS);
    checkLimits(options, "timeout");
    new Attempt(options, resolve, reject).begin();
  });
}

class Attempt {
  readonly #options: SkynetLoginOptions;
  readonly #clock: Clock;
  readonly #resolve: (login: SkynetLogin) => void;
  readonly #reject: (error: unknown) => void;
  #connection: Connection<string> | undefined;
  #isOver = false;
  #stopTimer = (): void => {};
  #stopListening = (): void => {};
  #challenge: Uint8Array | undefined;
  readonly #privateKey: Uint8Array;
  #secret: Uint8Array<ArrayBuffer> | undefined;

  constructor(
    options: SkynetLoginOptions,
    resolve: (login: SkynetLogin) => void,
    reject: (error: unknown) => void,
  ) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#privateKey = randomKey(options.random);
  }

  begin(): void {
    const { connect, signal } = this.#options;
    if (signal?.aborted) {
      this.#fail(signal.reason);
      return;
    }
    this.#stopListening = onAbort(signal, () => this.#fail(signal?.reason));
    const failed = (error: unknown): void => this.#fail(error);
    try {
      const opening = connect(loginLines(), {
        signal,
        open: (connection) => {
          this.#bind(connection);
          this.#expect("challenge");
        },
        message: (_, line) => this.#received(line),
        error: (_, error) => failed(error),
        close: (_, { error }) => failed(error ?? closedError("closed before the login finished")),
      });
      if (isThenable(opening)) opening.then((connection) => this.#bind(connection), failed);
      else this.#bind(opening);
    } catch (error) {
      failed(error);
    }
  }

  #bind(connection: Connection<string>): void {
    this.#connection = connection;
    if (this.#isOver) connection.abort();
  }

  #expect(what: string): void {
    this.#stopTimer();
    const { timeout = 10_000 } = this.#options;
    if (this.#isOver || timeout === 0 || timeout === Infinity) return;
    this.#stopTimer = this.#clock.after(timeout, () => {
      this.#fail(new ProtocolError("timeout", `no ${what} within ${timeout} ms`));
    });
  }

  #received(line: string): void {
    if (this.#isOver) return;
    try {
      const status = statusOf(line);
      if (status !== undefined) this.#ended(status, line);
      else if (this.#challenge === undefined) this.#challenged(line);
      else if (this.#secret === undefined) this.#exchanged(this.#challenge, line);
      else throw new ProtocolError("malformed", "a line that is not a status");
    } catch (error) {
      this.#fail(error);
    }
  }

  #challenged(line: string): void {
    this.#challenge = keyIn(line);
    this.#connection?.send(base64Encode(dhExchange(this.#privateKey)));
    this.#expect("public key");
  }

  #exchanged(challenge: Uint8Array, line: string): void {
    const secret = dhSecret(keyIn(line), this.#privateKey);
    this.#secret = secret;
    const { token } = this.#options;
    const isGiven = typeof token === "string" || token instanceof Uint8Array;
    const bytes = isGiven ? bytesOf(token) : loginToken(token);
    this.#connection?.send(base64Encode(hmac64(challenge, secret)));
    this.#connection?.send(base64Encode(desEncode(secret, bytes)));
    this.#expect("status");
  }

  #ended(status: number, line: string): void {
    const secret = this.#secret;
    if (status !== 200) throw new StatusError(status);
    if (secret === undefined) throw new ProtocolError("malformed", "status 200 before the token");
    const subid = decodeUtf8(base64Decode(line.slice(4)));
    this.#over();
    // Current servers leave that to the client.
    this.#connection?.close();
    this.#resolve({ secret, subid });
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#over();
    this.#connection?.abort();
    this.#reject(error);
  }

  #over(): void {
    this.#isOver = true;
    this.#stopTimer();
    this.#stopListening();
  }
}

/** Decodes the 8 bytes of a line. */
function keyIn(line: string): Uint8Array {
  const key = base64Decode(line);
  if (key.length === KEY) return key;
  throw new ProtocolError("malformed", `a line of ${key.length} bytes, not of ${KEY}`);
}
