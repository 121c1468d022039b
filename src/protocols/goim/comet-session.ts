import {
  type Clock,
  type Connection,
  cutOff,
  decodeFrame,
  encodeFrame,
  isThenable,
  type MessageProtocol,
  ProtocolError,
} from "../../core/index.ts";
import { watchSilence } from "../../session/index.ts";
import { onlineCount, operationList, roomId } from "./bodies.ts";
import type { Admission, CometOptions } from "./comet-options.ts";
import { type Dialect, replyTo } from "./dialect.ts";
import type { EncodedPush } from "./encoded-push.ts";
import { operations } from "./operations.ts";
import type { Packet, PacketToSend } from "./packet.ts";

const { heartbeat, heartbeatReply, auth, authReply, changeRoom, subscribe, unsubscribe } =
  operations.v2;

const MANAGED: ReadonlySet<number> = new Set([changeRoom, subscribe, unsubscribe]);

/** A comet's connection that carries one session. */
export type CometConnection<User, Body> = Connection<
  PacketToSend<Body>,
  Packet<Body>,
  CometSession<User, Body>
>;

/**
 * The parts of a comet that its sessions use.
 * @internal
 */
export interface Hub<User, Body> {
  readonly options: CometOptions<User, Body>;
  readonly dialect: Dialect;
  readonly clock: Clock;
  readonly authTimeout: number;
  readonly heartbeatTimeout: number;
  readonly maxBacklog: number;
  readonly maxAccepts: number;
  prepare(packets: readonly PacketToSend<Body>[]): EncodedPush<Body>;
  encode(packet: PacketToSend<Body>): Uint8Array<ArrayBuffer>;
  admitted(session: CometSession<User, Body>): unknown;
  moved(session: CometSession<User, Body>, from: string, to: string): void;
  online(room: string): number;
}

/**
 * One client's session on a comet.
 *
 * ```text
 *   opened --> stranger -- op 7, authenticate --> member --> gone
 *                 | refused, or too late                       ^
 *                 +--------------------------------------------+
 * ```
 */
export class CometSession<User = unknown, Body = Uint8Array> {
  readonly #hub: Hub<User, Body>;
  #connection: CometConnection<User, Body> | undefined;
  #admission: Admission<User> | undefined;
  #accepts: Set<number> | undefined;
  #room = "";
  #dropped = 0;
  #isGone = false;
  #calm: () => void = () => {};

  /** @internal Comets create their sessions. */
  constructor(hub: Hub<User, Body>) {
    this.#hub = hub;
  }

  /** The connection of this client. */
  get connection(): CometConnection<User, Body> {
    return this.#connection!;
  }

  /** The `user` that `authenticate` returned; undefined until the client is admitted. */
  get user(): User {
    return this.#admission?.user as User;
  }

  /** The key of the connection, if it has one. */
  get key(): string | undefined {
    return this.#admission?.key;
  }

  /** The client's current or last room; empty for none. */
  get room(): string {
    return this.#room;
  }

  /** Number of pushes that were dropped because this client reads too slowly. */
  get dropped(): number {
    return this.#dropped;
  }

  /** True if the client accepts this operation from broadcasts and pushes by key. */
  accepts(op: number): boolean {
    return this.#accepts?.has(op) ?? true;
  }

  /**
   * Pushes packets to this client, all of them or none.
   *
   * @returns false if they were dropped, because the client reads too slowly or is gone
   * @throws ProtocolError `unencodable`
   */
  push(...packets: PacketToSend<Body>[]): boolean {
    return this.deliver(this.#hub.prepare(packets));
  }

  /**
   * Moves this client to another room; an empty name leaves the room. Does nothing before it is
   * admitted or after it has left.
   */
  move(room: string): void {
    if (this.#isGone || this.#admission === undefined) return;
    this.#hub.moved(this, this.#room, room);
    this.#room = room;
  }

  /** @internal */
  deliver(push: EncodedPush<Body>): boolean {
    const { connection } = this;
    const frames = push.frames(connection.boundary);
    if (connection.state !== "open") return false;
    if (connection.queued > this.#hub.maxBacklog) {
      this.#dropped++;
      return false;
    }
    for (const frame of frames) connection.sendFrame(frame);
    return true;
  }

  // ---- called by the connection

  /** @internal */
  opened(connection: CometConnection<User, Body>): void {
    this.#connection = connection;
    const { clock, authTimeout } = this.#hub;
    if (authTimeout === 0) return;
    this.#calm = clock.after(authTimeout, () => {
      this.#cut(new ProtocolError("timeout", `not authenticated within ${authTimeout} ms`));
    });
  }

  /** @internal */
  received(packet: Packet<Body>): unknown {
    try {
      const result = this.#handle(packet);
      return isThenable(result) ? result.then(undefined, this.#failed) : result;
    } catch (error) {
      return this.#failed(error);
    }
  }

  /**
   * A body that its codec refuses is an error of the client; anything else is a bug in the handler.
   */
  readonly #failed = (error: unknown): void => {
    const isTheirs = error instanceof ProtocolError && error.code !== "unencodable";
    if (!isTheirs) throw error;
    this.#cut(error);
  };

  /** @internal Returns true if the client had been admitted. */
  closed(): boolean {
    this.#calm();
    this.#isGone = true;
    if (this.#admission === undefined) return false;
    this.#hub.moved(this, this.#room, "");
    return true;
  }

  // ---- packets

  #handle(packet: Packet<Body>): unknown {
    if (this.#admission === undefined) return this.#greet(packet);
    if (packet.op === heartbeat) return this.#beat(packet);
    const isAboutThem = this.#hub.dialect === "v2" && MANAGED.has(packet.op);
    return isAboutThem ? this.#manage(packet) : this.#ask(packet);
  }

  /** Only a token admits a client. */
  #greet(packet: Packet<Body>): unknown {
    if (packet.op !== auth) {
      // v2 ignores what comes too early; v1 does not.
      return this.#hub.dialect === "v2"
        ? undefined
        : this.#refuse(`operation ${packet.op} before 7`);
    }
    const admission = this.#hub.options.authenticate(packet.body, this);
    return this.#after(admission, (found) => {
      // The protocol has no negative reply.
      return found === undefined ? this.#refuse("token refused") : this.#admit(packet, found);
    });
  }

  #admit(packet: Packet<Body>, admission: Admission<User>): unknown {
    this.#calm();
    this.#admission = admission;
    this.#accepts = admission.accepts && new Set(admission.accepts);
    const { clock, heartbeatTimeout } = this.#hub;
    if (heartbeatTimeout > 0) {
      const silent = (): void => {
        const text = `no heartbeat within ${heartbeatTimeout} ms`;
        this.#cut(new ProtocolError("timeout", text));
      };
      watchSilence({ connection: this.connection, timeout: heartbeatTimeout, silent, clock });
    }
    this.move(admission.room ?? "");
    this.#reply(packet, authReply, undefined);
    return this.#hub.admitted(this);
  }

  #beat(packet: Packet<Body>): void {
    // v1 does not count. (The last v1 sent the client's own body back, which serves no one.)
    const count =
      this.#hub.dialect === "v2"
        ? encodeFrame(onlineCount, this.#hub.online(this.#room))
        : undefined;
    this.#reply(packet, heartbeatReply, count as Body | undefined);
  }

  #subscribe(body: Body): void {
    const { maxAccepts } = this.#hub;
    for (const op of decodeBody(operationList, body)) this.#accepts?.add(op);
    // A client must not decide how much memory its list takes.
    const size = this.#accepts?.size ?? 0;
    if (size <= maxAccepts) return;
    throw new ProtocolError("overflow", `${size} operations exceed maxAccepts ${maxAccepts}`);
  }

  #unsubscribe(body: Body): void {
    for (const op of decodeBody(operationList, body)) this.#accepts?.delete(op);
  }

  /**
   * Handles rooms and subscriptions, which clients of v2 may change. The reply repeats the body.
   */
  #manage(packet: Packet<Body>): unknown {
    const { op, body } = packet;
    if (op === changeRoom) this.move(decodeBody(roomId, body));
    else if (op === subscribe) this.#subscribe(body);
    else this.#unsubscribe(body);
    return this.#reply(packet, this.#replyTo(op), body);
  }

  /** Passes any other packet to the application. */
  #ask(packet: Packet<Body>): unknown {
    const reply = this.#replyTo(packet.op);
    if (reply === undefined) return this.#refuse(`operation ${packet.op} from a client`);
    const { request } = this.#hub.options;
    if (request !== undefined) {
      const answer = request(this, packet);
      return this.#after(answer, (body) => this.#reply(packet, reply, body as Body | undefined));
    }
    const isEcho = this.#hub.dialect === "v1" && packet.op === operations.v1.send;
    return this.#reply(packet, reply, isEcho ? packet.body : undefined);
  }

  #replyTo(op: number): number | undefined {
    return replyTo(op, this.#hub.dialect, this.#hub.options.replies);
  }

  #reply({ ver, seq }: Packet<Body>, op: number | undefined, body: Body | undefined): void {
    if (op !== undefined) this.connection.sendFrame(this.#hub.encode({ ver, op, seq, body }));
  }

  #refuse(why: string): void {
    this.#cut(new ProtocolError("refused", why));
  }

  /** Disconnects this client. */
  #cut(error: ProtocolError): void {
    cutOff(this.connection, error);
  }

  /**
   * Continues when `work` is done. Until then the connection delivers no packet, so replies stay in
   * order.
   */
  #after<T>(work: T | PromiseLike<T>, goOn: (result: T) => unknown): unknown {
    if (!isThenable(work)) return goOn(work);
    return work.then((result) => (this.connection.state === "open" ? goOn(result) : undefined));
  }
}

/** Decodes the body of a binary packet. */
function decodeBody<Out>(codec: MessageProtocol<never, Out>, body: unknown): Out {
  return decodeFrame(codec, body as Uint8Array);
}
