import type { Codec, Received, Sent } from "../../core/index.ts";
import type { HeaderExtras } from "./header.ts";

/** Codecs of one request and its response. */
export interface RequestCodecs {
  /** Codec of the request; its field 1 is the header. */
  readonly request: Codec<never, unknown>;
  /** Codec of the response. Leave it out if there is none. */
  readonly response?: Codec<never, unknown> | undefined;
}

/** Requests by the full name of their message type, without a leading dot: `"game.LoginReq"`. */
export interface Requests {
  readonly [type: string]: RequestCodecs;
}

/** Pushes from a server, by the full name of their message type. Their field 1 is the header. */
export interface Pushes {
  readonly [type: string]: Codec<never, unknown>;
}

/** All messages of both sides. */
export interface HeaderDefinition<R extends Requests = Requests, P extends Pushes = Pushes> {
  /** Requests of clients. */
  readonly requests: R;
  /**
   * Pushes of servers.
   * @defaultValue none
   */
  readonly pushes?: P | undefined;
  /**
   * Largest message in bytes, its length field included.
   * @defaultValue 1 MiB
   */
  readonly maxFrame?: number | undefined;
}

/** The names in a definition. */
export type Names<T> = keyof T & string;

/** Message that a client sends as request `K`. */
export type RequestOf<R extends Requests, K extends Names<R>> = Sent<R[K]["request"]>;

/** Response that a client receives for request `K`. */
export type ResponseOf<R extends Requests, K extends Names<R>> = Received<
  NonNullable<R[K]["response"]>
>;

/** Response that a server sends for request `K`. */
export type ResponseSent<R extends Requests, K extends Names<R>> = Sent<
  NonNullable<R[K]["response"]>
>;

/** Names of the requests with a response. */
export type Answered<R extends Requests> = {
  [K in Names<R>]: R[K] extends { readonly response: Codec<never, unknown> } ? K : never;
}[Names<R>];

/** A message that a server receives: a request, or one that it has to refuse. */
export type ServerReceived<R extends Requests> =
  | { [K in Names<R>]: HeaderRequest<K, Received<R[K]["request"]>> }[Names<R>]
  | HeaderRefusal;

/** A received request. */
export interface HeaderRequest<Type extends string = string, Message = unknown> {
  readonly kind: "request";
  /** Name of its type, from the header. */
  readonly type: Type;
  /** Its number, from the header; 0 if absent. */
  readonly seq: number;
  /** The complete message, header included. */
  readonly message: Message;
}

/** A request that cannot be handled, and the error for the client. */
export interface HeaderRefusal {
  readonly kind: "refusal";
  /** Number of the request; 0 if its header could not be read. */
  readonly seq: number;
  /**
   * `INVALID_MESSAGE`: not a frame, or no header in front. `INVALID_HEADER`: an invalid header.
   * `INVALID_REQUEST`: an unknown type, or a message that is not of its type.
   */
  readonly code: "INVALID_MESSAGE" | "INVALID_HEADER" | "INVALID_REQUEST";
  /** The reason for humans. */
  readonly text: string;
  /** The exact cause, for the server's log; undefined for an unknown type. */
  readonly cause?: unknown;
}

/** A message that a server sends. */
export type ServerSent<R extends Requests, P extends Pushes> =
  | {
      [K in Answered<R>]: {
        readonly kind: "response";
        /** Type of the request. */
        readonly to: K;
        readonly message: Sent<NonNullable<R[K]["response"]>>;
      };
    }[Answered<R>]
  | {
      [K in Names<P>]: { readonly kind: "push"; readonly type: K; readonly message: Sent<P[K]> };
    }[Names<P>]
  | HeaderError;

/** An error, sent or received. */
export interface HeaderError {
  readonly kind: "error";
  /**
   * Number of the request that it answers, 32 bits, unsigned; 0 if the request's header could not
   * be read.
   */
  readonly seq: number;
  /** The reason, for programs: `"INVALID_REQUEST"`. */
  readonly code: string;
  /** The reason for humans. */
  readonly text: string;
}

/** A message that a client sends. */
export type ClientSent<R extends Requests> = {
  [K in Names<R>]: {
    readonly type: K;
    /** 32 bits, unsigned; 0 is not written. */
    readonly seq: number;
    readonly message: RequestOf<R, K>;
    readonly extras?: HeaderExtras | undefined;
  };
}[Names<R>];

/** A message that a client receives. A response has neither type nor request number. */
export type ClientReceived<P extends Pushes> =
  | { readonly kind: "response"; readonly bytes: Uint8Array }
  | {
      [K in Names<P>]: {
        readonly kind: "push";
        readonly type: K;
        readonly message: Received<P[K]>;
      };
    }[Names<P>]
  | HeaderError;
