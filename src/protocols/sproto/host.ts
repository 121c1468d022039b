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

/** Options for a host. */
export interface HostOptions {
  /**
   * Maximum sessions that wait for an answer.
   * @defaultValue 65 536
   */
  readonly maxPending?: number | undefined;
}

/** A received request. */
export interface HostRequest {
  readonly kind: "request";
  /** Name of the protocol. */
  readonly name: string;
  /** The request; undefined if the protocol has none. */
  readonly args: unknown;
  /** Undefined if no answer is expected; 0 is a valid session. */
  readonly session: number | bigint | undefined;
  /** The caller's `ud`, if the package type has that field. */
  readonly ud: unknown;
  /** Returns the packed answer to send back; call it once. Undefined if no answer is expected. */
  readonly respond: ((args?: unknown, ud?: unknown) => Uint8Array<ArrayBuffer>) | undefined;
}

/** A received answer. */
export interface HostResponse {
  readonly kind: "response";
  /** Name of the protocol. */
  readonly name: string;
  readonly session: number | bigint;
  /** The response; undefined if the protocol has none. */
  readonly args: unknown;
  /** The answering side's `ud`, if the package type has that field. */
  readonly ud: unknown;
}

/** A message that `dispatch` has read. */
export type Dispatched = HostRequest | HostResponse;

/**
 * Returns the packed bytes of a request. With a session an answer is expected, without one it is
 * not.
 */
export type SendRequest = (
  name: string,
  args?: unknown,
  session?: number | bigint,
  ud?: unknown,
) => Uint8Array<ArrayBuffer>;

/**
 * Remote calls without a connection: encodes requests, and reads received messages. Use one object
 * per peer, because it remembers the sessions that wait for an answer. It creates no sessions and
 * has no timeouts: see `sprotoRpc` for that.
 *
 * Create a client's host from the schema of calls to clients, and attach it to the schema of calls
 * to servers; on a server the reverse.
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
   * Returns a function that encodes requests to a peer.
   *
   * @param remote - the schema of the peer's protocols
   * @returns a function, which throws a TypeError for a name that is not in that schema, a
   *   ProtocolError `unencodable` for a value that does not fit it or a session that already waits,
   *   `overflow` if too many wait
   */
  attach(remote: Sproto): SendRequest {
    return (name, args, session, ud) => {
      const protocol = remote.protocol(name);
      if (protocol === undefined) throw new TypeError(`${name} not found`);
      const place = placeOf(protocol, session);
      const key = small(session);
      if (key !== undefined && this.#pending.has(key)) {
        throw new RpcError("unencodable", "the session already waits for an answer", place);
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

  /** Stops waiting for the answer to a session; returns true if it was waiting. */
  forget(session: number | bigint): boolean {
    return this.#pending.delete(small(session)!);
  }

  /**
   * Reads a message: a request to this side, or the answer to one of its own.
   *
   * @param bytes - one complete message, packed
   * @throws ProtocolError `malformed` for invalid bytes, an unknown protocol or session (an
   *   `RpcError` that names it); the state is then unchanged
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
