import { checkLimit, checkOptions, plain } from "../../core/index.ts";
import { RpcError } from "./rpc-error.ts";
import {
  checkedBody,
  checkPackage,
  placeOf,
  type RpcHeader,
  readBody,
  readHeader,
  small,
} from "./rpc-format.ts";
import type { SchemaProtocol } from "./schema.ts";
import type { Sproto } from "./sproto.ts";

/** Limits of a host. */
export interface HostOptions {
  /**
   * Most sessions that may wait for an answer.
   * @defaultValue 65 536
   */
  readonly maxPending?: number | undefined;
}

/** A request that came. */
export interface HostRequest {
  readonly kind: "request";
  /** Name of the protocol. */
  readonly name: string;
  /** The request; undefined where the protocol has none. */
  readonly args: unknown;
  /** Undefined where no answer is wanted; 0 is a session. */
  readonly session: number | bigint | undefined;
  /** What the caller put beside the request, where the package type has a field `ud`. */
  readonly ud: unknown;
  /** The packed answer, to be sent back: once. Undefined where no answer is wanted. */
  readonly respond: ((args?: unknown, ud?: unknown) => Uint8Array<ArrayBuffer>) | undefined;
}

/** An answer that came. */
export interface HostResponse {
  readonly kind: "response";
  /** Name of the protocol. */
  readonly name: string;
  readonly session: number | bigint;
  /** The response; undefined where the protocol has none. */
  readonly args: unknown;
  /** What the answerer put beside it, where the package type has a field `ud`. */
  readonly ud: unknown;
}

/** What `dispatch` makes of a message. */
export type Dispatched = HostRequest | HostResponse;

/** Makes the packed bytes of a request. With a session an answer is expected, without one there is none. */
export type SendRequest = (
  name: string,
  args?: unknown,
  session?: number | bigint,
  ud?: unknown,
) => Uint8Array<ArrayBuffer>;

/**
 * Remote calls without a connection: makes the bytes of requests, and tells what bytes that came mean. One
 * object for each peer, because it remembers the sessions that wait for an answer. It makes no sessions and keeps
 * no time: see `sprotoRpc` for calls that do.
 *
 * A client's host is the schema of what servers call, and is attached to the schema of what clients call; a
 * server's the other way round.
 *
 * @example
 * ```ts
 * import { parse } from "framewright/sproto";
 *
 * const schema = parse(`
 *   .package { type 0 : integer  session 1 : integer }
 *   add 1 { request { a 0 : integer  b 1 : integer }  response { sum 0 : integer } }
 * `);
 * const client = schema.host();
 * const server = schema.host();
 * const request = client.attach(schema)("add", { a: 1, b: 2 }, 7);
 * const call = server.dispatch(request);
 * if (call.kind === "request") {
 *   console.log(call.name, call.args);
 *   const answer = client.dispatch(call.respond!({ sum: 3 }));
 *   console.log(answer.session, answer.args);
 * }
 * //=> add { a: 1, b: 2 }
 * //=> 7 { sum: 3 }
 * ```
 */
export class SprotoHost {
  readonly #sproto: Sproto;
  readonly #packageName: string;
  readonly #maxPending: number;
  readonly #pending = new Map<number | bigint, { remote: Sproto; protocol: SchemaProtocol }>();

  /** @internal */
  constructor(sproto: Sproto, packageName: string, options: HostOptions = {}) {
    checkPackage(sproto, packageName);
    checkOptions("host", options, ["maxPending"]);
    this.#sproto = sproto;
    this.#packageName = packageName;
    this.#maxPending = options.maxPending ?? 65536;
    checkLimit("maxPending", this.#maxPending);
  }

  /** Number of sessions that wait for an answer. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Gives a function that makes requests to a peer.
   *
   * @param remote - the schema of what that peer can be asked
   * @returns a function, which throws a TypeError for a name that is not in that schema, a ProtocolError
   *   `unencodable` for what does not fit it or a session that waits already, `overflow` when too many wait
   */
  attach(remote: Sproto): SendRequest {
    return (name, args, session, ud) => {
      const protocol = remote.protocol(name);
      if (protocol === undefined) throw new TypeError(`${name} not found`);
      const place = placeOf(protocol, session);
      const key = small(session);
      if (key !== undefined && this.#pending.has(key)) {
        throw new RpcError("unencodable", "the session waits for an answer already", place);
      }
      if (key !== undefined && this.#pending.size >= this.#maxPending) {
        const text = `${this.#pending.size} sessions wait, maxPending is ${this.#maxPending}`;
        throw new RpcError("overflow", text, place);
      }
      const body = checkedBody(protocol.request, args, place);
      const header = { type: protocol.tag, session, ud };
      const bytes = this.#sproto.packParts(
        this.#packageName,
        header,
        remote,
        protocol.request?.name,
        body,
      );
      if (key !== undefined) this.#pending.set(key, { remote, protocol });
      return bytes;
    };
  }

  /** Waits no longer for the answer to a session. Did it? */
  forget(session: number | bigint): boolean {
    return this.#pending.delete(small(session)!);
  }

  /**
   * What a message means: a request to this side, or the answer to one of its own.
   *
   * @param bytes - one whole message, packed
   * @throws ProtocolError `malformed` for what is no message, an unknown protocol or session (an `RpcError` that
   *   says which); nothing has changed then
   */
  dispatch(bytes: Uint8Array): Dispatched {
    const sproto = this.#sproto;
    const header = readHeader(sproto, this.#packageName, plain(bytes), 0, bytes.length);
    return header.type === undefined ? this.#response(header) : this.#request(header);
  }

  #request(header: RpcHeader): HostRequest {
    const { type, session, ud } = header;
    const protocol = this.#sproto.protocol(Number(type));
    if (protocol === undefined) {
      throw new RpcError("malformed", `protocol ${type} not found`, { tag: type, session });
    }
    const args = readBody(this.#sproto, protocol.request, header, placeOf(protocol, session));
    const respond: HostRequest["respond"] = (answer, beside) => {
      const { response } = protocol;
      const body = checkedBody(response, answer, placeOf(protocol, session));
      const back = { session, ud: beside };
      const { name } = response ?? {};
      return this.#sproto.packParts(this.#packageName, back, this.#sproto, name, body);
    };
    return {
      kind: "request",
      name: protocol.name,
      args,
      session,
      ud,
      respond: session === undefined ? undefined : respond,
    };
  }

  #response(header: RpcHeader): HostResponse {
    const { session, ud } = header;
    if (session === undefined) throw new RpcError("malformed", "response without a session", {});
    const waiting = this.#pending.get(session);
    if (waiting === undefined) throw new RpcError("malformed", "unknown session", { session });
    const { remote, protocol } = waiting;
    const args = readBody(remote, protocol.response, header, placeOf(protocol, session));
    this.#pending.delete(session);
    return { kind: "response", name: protocol.name, session, args, ud };
  }
}
