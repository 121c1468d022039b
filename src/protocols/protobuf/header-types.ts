import type { Codec, Received, Sent } from "../../core/index.ts";
import type { HeaderExtras } from "./header.ts";

/** How one request and its response are written. */
export interface RequestCodecs {
  /** The message that is sent; its field 1 is the header. */
  readonly request: Codec<never, unknown>;
  /** The message that comes back. Left out where nothing comes back. */
  readonly response?: Codec<never, unknown> | undefined;
}

/** Requests by the full name of their message type, without a leading dot: `"game.LoginReq"`. */
export interface Requests {
  readonly [type: string]: RequestCodecs;
}

/** Messages that a server sends unasked, by the full name of their type. Their field 1 is the header. */
export interface Pushes {
  readonly [type: string]: Codec<never, unknown>;
}

/** What the two sides say to each other. */
export interface HeaderDefinition<R extends Requests = Requests, P extends Pushes = Pushes> {
  /** What clients ask. */
  readonly requests: R;
  /**
   * What servers send unasked.
   * @defaultValue nothing
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

/** What a client sends of the request `K`. */
export type RequestOf<R extends Requests, K extends Names<R>> = Sent<R[K]["request"]>;

/** What a client gets for the request `K`. */
export type ResponseOf<R extends Requests, K extends Names<R>> = Received<
  NonNullable<R[K]["response"]>
>;

/** What a server sends back for the request `K`. */
export type ResponseSent<R extends Requests, K extends Names<R>> = Sent<
  NonNullable<R[K]["response"]>
>;

/** The requests that are answered. */
export type Answered<R extends Requests> = {
  [K in Names<R>]: R[K] extends { readonly response: Codec<never, unknown> } ? K : never;
}[Names<R>];

/** What a server gets: a request, or one that it has to refuse. */
export type ServerReceived<R extends Requests> =
  | { [K in Names<R>]: HeaderRequest<K, Received<R[K]["request"]>> }[Names<R>]
  | HeaderRefusal;

/** A request that came. */
export interface HeaderRequest<Type extends string = string, Message = unknown> {
  readonly kind: "request";
  /** Name of its type, as the header says. */
  readonly type: Type;
  /** Its number, as the header says; 0 where it says nothing. */
  readonly seq: number;
  /** The whole message, header included. */
  readonly message: Message;
}

/** A request that cannot be handled, and what the client is to be told. */
export interface HeaderRefusal {
  readonly kind: "refusal";
  /** Number of the request; 0 where its header could not be read. */
  readonly seq: number;
  /**
   * `INVALID_MESSAGE`: no frame, or no header in front. `INVALID_HEADER`: a header that is none. `INVALID_REQUEST`: an
   * unknown type, or a message that is not of its type.
   */
  readonly code: "INVALID_MESSAGE" | "INVALID_HEADER" | "INVALID_REQUEST";
  /** The same for people. */
  readonly text: string;
  /** What exactly is wrong, for the server's log; undefined for an unknown type. */
  readonly cause?: unknown;
}

/** What a server sends. */
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

/** An error, as it is sent and received. */
export interface HeaderError {
  readonly kind: "error";
  /** Number of the request that it answers, 32 bits, unsigned; 0 where the request's header could not be read. */
  readonly seq: number;
  /** What went wrong, for programs: `"INVALID_REQUEST"`. */
  readonly code: string;
  /** The same for people. */
  readonly text: string;
}

/** What a client sends. */
export type ClientSent<R extends Requests> = {
  [K in Names<R>]: {
    readonly type: K;
    /** 32 bits, unsigned; 0 is not written. */
    readonly seq: number;
    readonly message: RequestOf<R, K>;
    readonly extras?: HeaderExtras | undefined;
  };
}[Names<R>];

/** What a client gets. Of a response it does not say what it is, nor what it answers. */
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
