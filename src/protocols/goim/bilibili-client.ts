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
 * The auth message: an object with at least `roomid` and, for most rooms, `key`; or text or bytes
 * that are sent unchanged, such as the `auth_body` of Bilibili's open platform.
 */
export type BilibiliAuth = Readonly<Record<string, unknown>> | string | Uint8Array;

/** Options for a client of Bilibili's live chat. Times are in milliseconds. */
export interface BilibiliClientOptions
  extends LinkOptions,
    Pick<BilibiliOptions, "inflate" | "maxFrame" | "maxInflated"> {
  /**
   * Opens a connection over any transport. Called at once, and again after each failure. Pass
   * `handlers` on unchanged.
   */
  readonly connect: (
    protocol: Protocol<BilibiliPacket>,
    handlers: LinkHandlers<BilibiliPacket, BilibiliPacket>,
  ) => Connection<BilibiliPacket> | PromiseLike<Connection<BilibiliPacket>>;
  /** The auth message, or a function that is called for each connection, because keys expire. */
  readonly auth: BilibiliAuth | (() => BilibiliAuth | PromiseLike<BilibiliAuth>);
  /** Called when the server has accepted the auth message, and again after each reconnect. */
  readonly open?: ((client: BilibiliClient) => unknown) | undefined;
  /** Called with each message, in order; usually an object with a member `cmd`. */
  readonly message?: ((client: BilibiliClient, body: unknown) => unknown) | undefined;
  /** Called with the room's popularity when a heartbeat is answered. */
  readonly popularity?: ((client: BilibiliClient, popularity: number) => unknown) | undefined;
  /**
   * Called when a packet could not be read. The packet is skipped, and the connection stays open.
   */
  readonly skipped?: ((client: BilibiliClient, error: ProtocolError) => unknown) | undefined;
  /**
   * Called when the connection failed and another attempt follows. The error is `refused` if the
   * server did not accept the auth message (code -101, for example, or it closed).
   */
  readonly retry?: ((client: BilibiliClient, retry: Retry) => unknown) | undefined;
  /**
   * Called when the client ends: with an error if it gave up, without one if `close` was called.
   */
  readonly close?: ((client: BilibiliClient, error?: unknown) => unknown) | undefined;
  /** As `error` of a connection: the peer broke the protocol, the transport failed, or a handler threw. */
  readonly error?: ((client: BilibiliClient, error: unknown) => unknown) | undefined;
}

const OPTIONS = [
  ...["auth", "inflate", "maxFrame", "maxInflated", "message", "popularity", "skipped"],
  ...LINK_OPTIONS,
];

/**
 * A client of Bilibili's live chat. It authenticates, sends heartbeats, notices a dead server, and
 * reconnects. A message that cannot be read is skipped, and the connection stays open.
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
 *     // A key that was refused will be refused again.
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
   * Starts to connect at once.
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

  /** State of the client. */
  get state(): LinkState {
    return this.#link.state;
  }

  /** The room's popularity in the last heartbeat reply. */
  get popularity(): number | undefined {
    return this.#popularity;
  }

  /** Ends the session for good: sends what is queued, then closes the connection. */
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

  /** Handles the server's reply to the auth message. Older servers send no body. */
  #welcomed(body: unknown): void {
    const { code = 0 } = (body ?? {}) as { readonly code?: unknown };
    if (code === 0) this.#link.welcome();
    else {
      const shown = typeof code === "number" ? code : typeof code;
      this.#link.drop(new ProtocolError("refused", `the auth message was refused: code ${shown}`));
    }
  }
}
