import {
  type Codec,
  checkLimits,
  checkOptions,
  encodeFrame,
  type Handlers,
  type MessageProtocol,
  systemClock,
} from "../../core/index.ts";
import { perMessage } from "../../framing/index.ts";
import type { BinaryProtocol, SessionProtocol } from "./client-options.ts";
import { hex, type PushTarget } from "./cluster-message.ts";
import { CometCluster } from "./comet-cluster.ts";
import type { CometOptions } from "./comet-options.ts";
import { CometSession, type Hub } from "./comet-session.ts";
import { checkedDialect, type Dialect, MAX_BODY } from "./dialect.ts";
import { EncodedPush, encodePackets, type Frames } from "./encoded-push.ts";
import { goim } from "./goim.ts";
import { HEADER, type Packet, type PacketToSend } from "./packet.ts";

const OPTIONS = [
  ...["authenticate", "request", "join", "leave", "error", "dialect", "protocol", "replies"],
  ...["authTimeout", "heartbeatTimeout", "maxBacklog", "maxAccepts", "clock"],
  ...["publish", "subscribe", "gap"],
];

/**
 * Handlers for every connection of a comet. A client cannot crash the process: bugs are printed.
 */
export type CometHandlers<User, Body> = Handlers<
  PacketToSend<Body>,
  Packet<Body>,
  CometSession<User, Body>
> & { readonly handlerErrors: "report" };

const NOBODY: ReadonlySet<never> = new Set<never>();

/**
 * A goim server for connections over any transport. It authenticates clients, answers heartbeats,
 * keeps rooms and subscriptions, and pushes to one client, to a room or to all. A push to many is
 * encoded once. With `publish` and `subscribe` (experimental), comets on several machines push
 * together.
 *
 * It does not listen itself: pass `protocol` and `handlers` to `listen`, `messageProtocol` and
 * `handlers` to a WebSocket.
 *
 * @example
 * ```ts
 * import { decodeFrame } from "framewright";
 * import { authToken, Comet } from "framewright/goim";
 * import { listen } from "framewright/node";
 *
 * const comet = new Comet({
 *   authenticate(token) {
 *     const { mid, room_id, accepts } = decodeFrame(authToken, token);
 *     return mid === 0n ? undefined : { user: mid, room: room_id, accepts };
 *   },
 *   request(session, packet) {
 *     comet.pushRoom(session.room, { op: 1000, body: packet.body });
 *   },
 * });
 * const server = await listen(comet.protocol, { port: 0, ...comet.handlers });
 * console.log(comet.sessions.size);
 * await server.close();
 * //=> 0
 * ```
 */
export class Comet<User = unknown, Body = Uint8Array> {
  /** The protocol for streams (binary dialects only). */
  readonly protocol: BinaryProtocol<Body>;

  /** The protocol for transports that preserve boundaries. A message from a client holds one packet. */
  readonly messageProtocol: SessionProtocol<Body>;

  /** Handlers for every connection, over any transport. */
  readonly handlers: CometHandlers<User, Body>;

  /** A random id for this comet, unique in its cluster. */
  readonly id: string;

  readonly #options: CometOptions<User, Body>;
  readonly #cluster: CometCluster | undefined;
  readonly #dialect: Dialect;
  /** Writes packets that are larger than clients may send. */
  readonly #writer: SessionProtocol<Body>;
  readonly #sessions = new Set<CometSession<User, Body>>();
  readonly #keys = new Map<string, CometSession<User, Body>>();
  readonly #rooms = new Map<string, Set<CometSession<User, Body>>>();

  /**
   * @param options - how to authenticate clients and answer requests
   * @throws RangeError for an unknown dialect or an invalid limit, TypeError for an unknown option
   */
  constructor(options: CometOptions<User, Body>) {
    checkOptions("Comet", options, OPTIONS);
    const dialect = checkedDialect(options.dialect);
    checkLimits(options, "authTimeout", "heartbeatTimeout", "maxBacklog", "maxAccepts");
    this.#options = options;
    this.#dialect = dialect;
    const maxFrame = HEADER + MAX_BODY[dialect];
    const reader = goim({ maxFrame, side: "server" }) as unknown as BinaryProtocol<Body>;
    this.protocol = reader;
    this.messageProtocol = options.protocol ?? alone(reader);
    this.#writer = options.protocol ?? (goim() as unknown as BinaryProtocol<Body>);
    this.handlers = this.#makeHandlers(this.#makeHub());
    this.id = randomId();
    const isAlone = options.publish === undefined && options.subscribe === undefined;
    if (isAlone) return;
    this.#cluster = new CometCluster(this.id, options, (target, frames) => {
      this.#deliver(
        target,
        this.#encoded(() => frames),
      );
    });
  }

  /** All admitted clients. */
  get sessions(): ReadonlySet<CometSession<User, Body>> {
    return this.#sessions;
  }

  /** Returns the clients in a room. */
  room(room: string): ReadonlySet<CometSession<User, Body>> {
    return this.#rooms.get(room) ?? NOBODY;
  }

  /** Returns the client with this key. */
  get(key: string): CometSession<User, Body> | undefined {
    return this.#keys.get(key);
  }

  /**
   * Number of pushes from other comets that did not arrive, see `gap` of {@link CometOptions}.
   * Experimental.
   */
  get missed(): number {
    return this.#cluster?.missed ?? 0;
  }

  /**
   * Pushes a packet to the client with this key, if it accepts the operation.
   *
   * @returns true if this comet sent it; the others of its cluster send it too if they have the
   *   client
   * @throws ProtocolError `unencodable`
   */
  push(key: string, packet: PacketToSend<Body>): boolean {
    return this.#push({ kind: "key", name: key, op: packet.op }, [packet]) > 0;
  }

  /**
   * Pushes packets to all clients in a room, whatever operations they accept, as goim does.
   *
   * @returns the number of clients of this comet that it was sent to, without those that read too
   *   slowly
   * @throws ProtocolError `unencodable`
   */
  pushRoom(room: string, ...packets: PacketToSend<Body>[]): number {
    return this.#push({ kind: "room", name: room, op: 0 }, packets);
  }

  /**
   * Pushes a packet to all clients that accept its operation.
   *
   * @returns the number of clients of this comet that it was sent to
   * @throws ProtocolError `unencodable`
   */
  broadcast(packet: PacketToSend<Body>): number {
    return this.#push({ kind: "all", name: "", op: packet.op }, [packet]);
  }

  #push(target: PushTarget, packets: readonly PacketToSend<Body>[]): number {
    const push = this.#encoded(() => encodePackets(this.#writer, packets));
    const sent = this.#deliver(target, push);
    this.#cluster?.push(target, push.plain);
    return sent;
  }

  #encoded(encode: () => Frames): EncodedPush<Body> {
    return new EncodedPush(this.#writer, this.#dialect, encode);
  }

  /** Sends a push to clients of this comet. */
  #deliver({ kind, name, op }: PushTarget, push: EncodedPush<Body>): number {
    let sent = 0;
    for (const session of this.#targets(kind, name)) {
      if ((kind === "room" || session.accepts(op)) && session.deliver(push)) sent++;
    }
    return sent;
  }

  #targets(kind: PushTarget["kind"], name: string): Iterable<CometSession<User, Body>> {
    if (kind === "all") return this.#sessions;
    if (kind === "room") return this.room(name);
    const session = this.#keys.get(name);
    return session === undefined ? NOBODY : [session];
  }

  #makeHub(): Hub<User, Body> {
    const options = this.#options;
    const dialect = this.#dialect;
    const minutes = dialect === "v2" ? 8 : 5;
    return {
      options,
      dialect,
      clock: options.clock ?? systemClock,
      authTimeout: options.authTimeout ?? 5000,
      heartbeatTimeout: options.heartbeatTimeout ?? minutes * 60_000,
      maxBacklog: options.maxBacklog ?? 256 * 1024,
      maxAccepts: options.maxAccepts ?? 4096,
      prepare: (packets) => this.#encoded(() => encodePackets(this.#writer, packets)),
      encode: (packet) => encodeFrame(this.#writer, packet),
      admitted: (session) => this.#admit(session),
      moved: (session, from, to) => this.#move(session, from, to),
      online: (room) => this.room(room).size,
    };
  }

  #makeHandlers(hub: Hub<User, Body>): CometHandlers<User, Body> {
    const { error, leave } = this.#options;
    return Object.freeze<CometHandlers<User, Body>>({
      handlerErrors: "report",
      context: () => new CometSession(hub),
      open: (connection) => connection.context.opened(connection),
      message: ({ context }, packet) => context.received(packet),
      close: ({ context }, info) => {
        if (!context.closed()) return undefined;
        this.#forget(context);
        return leave?.(context, info);
      },
      // Without one, errors of handlers are printed.
      ...(error && { error: ({ context }, thrown) => error(context, thrown) }),
    });
  }

  #admit(session: CometSession<User, Body>): unknown {
    this.#sessions.add(session);
    const { key } = session;
    if (key !== undefined) {
      const before = this.#keys.get(key);
      this.#keys.set(key, session);
      before?.connection.close();
    }
    return this.#options.join?.(session);
  }

  #forget(session: CometSession<User, Body>): void {
    this.#sessions.delete(session);
    const { key } = session;
    if (key !== undefined && this.#keys.get(key) === session) this.#keys.delete(key);
  }

  #move(session: CometSession<User, Body>, from: string, to: string): void {
    const left = this.#rooms.get(from);
    left?.delete(session);
    if (left?.size === 0) this.#rooms.delete(from);
    if (to === "") return;
    const entered = this.#rooms.get(to);
    if (entered === undefined) this.#rooms.set(to, new Set([session]));
    else entered.add(session);
  }
}

/** Drops the framing of a protocol: each message must hold exactly one packet. */
function alone<Body>(protocol: BinaryProtocol<Body>): SessionProtocol<Body> {
  const { name, maxFrame } = protocol;
  return perMessage({ maxFrame }).wrap(protocol as Codec<PacketToSend<Body>, Packet<Body>>, {
    name,
  }) satisfies MessageProtocol<PacketToSend<Body>, Packet<Body>>;
}

/** Returns 64 random bits in hexadecimal. */
function randomId(): string {
  const half = (): string => hex(Math.floor(Math.random() * 2 ** 32));
  return half() + half();
}
