import {
  type Connection,
  checkOptions,
  guard,
  type Protocol,
  ProtocolError,
} from "../../core/index.ts";
import type { Retry } from "../../session/index.ts";
import { type BilibiliOptions, type BilibiliPacket, bilibili } from "./bilibili.ts";
import {
  LINK_OPTIONS,
  type LinkHandlers,
  type LinkOptions,
  type LinkState,
  SessionLink,
} from "./session-link.ts";

/**
 * Who you are: the members of the auth message, at least `roomid` and, for most rooms, `key`; or text or bytes that are
 * sent as they are, such as the `auth_body` of Bilibili's open platform.
 */
export type BilibiliAuth = Readonly<Record<string, unknown>> | string | Uint8Array;

/** Options for a client of Bilibili's live chat. Times are in milliseconds. */
export interface BilibiliClientOptions
  extends LinkOptions,
    Pick<BilibiliOptions, "inflate" | "maxFrame" | "maxInflated"> {
  /**
   * Opens a connection, with any transport: called at once, and again after each failure. It must pass `handlers` on as
   * they are.
   */
  readonly connect: (
    protocol: Protocol<BilibiliPacket>,
    handlers: LinkHandlers<BilibiliPacket, BilibiliPacket>,
  ) => Connection<BilibiliPacket> | PromiseLike<Connection<BilibiliPacket>>;
  /** Who you are; a function is asked for each connection, because keys expire. */
  readonly auth: BilibiliAuth | (() => BilibiliAuth | PromiseLike<BilibiliAuth>);
  /** The server has accepted the auth message; called again after each reconnect. */
  readonly open?: ((client: BilibiliClient) => unknown) | undefined;
  /** A message came, usually an object with a member `cmd`. Messages come in order. */
  readonly message?: ((client: BilibiliClient, body: unknown) => unknown) | undefined;
  /** A heartbeat was answered with the room's popularity. */
  readonly popularity?: ((client: BilibiliClient, popularity: number) => unknown) | undefined;
  /** A packet could not be read, and was left out: the connection goes on. */
  readonly skipped?: ((client: BilibiliClient, error: ProtocolError) => unknown) | undefined;
  /**
   * The connection failed, and the next attempt follows. The error is `refused` if the server did not accept the auth
   * message (code -101, say, or it closed).
   */
  readonly retry?: ((client: BilibiliClient, retry: Retry) => unknown) | undefined;
  /** It is over: with an error if the client gave up, without if `close` was called. */
  readonly close?: ((client: BilibiliClient, error?: unknown) => unknown) | undefined;
  /** As `error` of a connection: the peer broke the protocol, the transport failed, or a handler threw. */
  readonly error?: ((client: BilibiliClient, error: unknown) => unknown) | undefined;
}

const OPTIONS = [
  ...["auth", "inflate", "maxFrame", "maxInflated", "message", "popularity", "skipped"],
  ...LINK_OPTIONS,
];

/**
 * A client of Bilibili's live chat: says who it is, sends heartbeats, notices a dead server, and connects again. One
 * message that cannot be read is skipped, and the connection goes on.
 *
 * @example
 * ```ts
 * import { brotliDecompressSync, inflateSync } from "node:zlib";
 * import { BilibiliClient } from "framewright/goim";
 * import { attachWebSocket } from "framewright/web";
 *
 * export function follow(url: string, roomid: number, key: string): BilibiliClient {
 *   return new BilibiliClient({
 *     connect: (protocol, handlers) => attachWebSocket(new WebSocket(url), protocol, handlers),
 *     auth: { uid: 0, roomid, protover: 3, platform: "web", type: 2, key },
 *     inflate: (method, bytes, maxOutputLength) =>
 *       method === "zlib"
 *         ? inflateSync(bytes, { maxOutputLength })
 *         : brotliDecompressSync(bytes, { maxOutputLength }),
 *     // A key that was refused stays refused.
 *     reconnect: { when: ({ error }) => (error as { code?: string }).code !== "refused" },
 *     message: (_, body) => console.log(body),
 *   });
 * }
 * ```
 */
export class BilibiliClient {
  readonly #options: BilibiliClientOptions;
  readonly #link: SessionLink<BilibiliPacket, BilibiliPacket, BilibiliAuth>;
  #popularity: number | undefined;

  /**
   * Begins to connect at once.
   *
   * @throws RangeError for an invalid limit, TypeError for an unknown option or without `inflate`
   */
  constructor(options: BilibiliClientOptions) {
    checkOptions("BilibiliClient", options, OPTIONS);
    const { inflate, maxFrame, maxInflated, error } = options;
    this.#options = options;
    const protocol = bilibili({
      ...{ inflate, maxFrame, maxInflated },
      skipped: (fault) => this.#link.calls?.add(() => options.skipped?.(this, fault)),
    });
    const send = (packet: BilibiliPacket): void => void this.#link.connection?.send(packet);
    this.#link = new SessionLink<BilibiliPacket, BilibiliPacket, BilibiliAuth>(
      {
        token: options.auth,
        connect: (handlers) => options.connect(protocol, handlers),
        authenticate: (body) => send({ type: "auth", body }),
        beat: () => send({ type: "heartbeat" }),
        message: (packet) => this.#received(packet),
        interrupted: () => {},
        open: () => options.open?.(this),
        retry: (retry) => options.retry?.(this, retry),
        close: (cause) => guard(() => options.close?.(this, cause)),
        error: error && ((thrown) => error(this, thrown)),
      },
      options,
    );
    this.#link.start();
  }

  /** Where the client is. */
  get state(): LinkState {
    return this.#link.state;
  }

  /** The room's popularity when the last heartbeat was answered. */
  get popularity(): number | undefined {
    return this.#popularity;
  }

  /** Ends the session for good: what was sent goes out, then the connection closes. */
  close(): void {
    this.#link.close();
  }

  #received(packet: BilibiliPacket): void {
    if (packet.type === "welcome") {
      if (this.state === "authenticating") this.#welcomed(packet.body);
    } else if (packet.type === "popularity") {
      const { popularity } = packet;
      this.#popularity = popularity;
      this.#link.calls?.add(() => this.#options.popularity?.(this, popularity));
    } else if (packet.type === "message") {
      const { body } = packet;
      this.#link.calls?.add(() => this.#options.message?.(this, body));
    }
  }

  /** Older servers send no body. */
  #welcomed(body: unknown): void {
    const { code = 0 } = (body ?? {}) as { readonly code?: unknown };
    if (code === 0) this.#link.welcome();
    else {
      const shown = typeof code === "number" ? code : typeof code;
      this.#link.drop(new ProtocolError("refused", `the auth message was refused: code ${shown}`));
    }
  }
}
