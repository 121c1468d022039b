import type { ReconnectOptions, WebSocketClass } from "framewright/web";

// What a client of the game can do, whatever it speaks; runs in browsers too.

export interface PlayerView {
  readonly userid: number;
  readonly nickname: string;
  readonly level: number;
  readonly exp: number;
  readonly vipLevel: number;
}

export interface GameClient {
  /** Is the server there? */
  ping(): Promise<void>;
  signin(userid: string): Promise<void>;
  /** Gives the number of the player; 0 if the server tells none. */
  login(account: string, password: string): Promise<number>;
  playerInfo(userid: number): Promise<PlayerView>;
  /** Cuts the connection as if it were lost: a client that reconnects makes a new one. */
  cut(error: Error): void;
  /** Ends for good. */
  close(): void;
}

export interface ClientOptions {
  /** The class of sockets. By default the global one, as in browsers. */
  readonly WebSocket?: WebSocketClass | undefined;
  /** Come back when the connection is lost. By default not. */
  readonly reconnect?: ReconnectOptions | undefined;
  /** How long a request waits for its answer, in milliseconds: servers may keep silent. */
  readonly timeout?: number | undefined;
  /** The server says something unasked. */
  readonly push?: ((text: string) => void) | undefined;
  /** A connection is open. */
  readonly open?: (() => void) | undefined;
  /** A connection is over. */
  readonly close?: ((error: unknown) => void) | undefined;
}

/** Opens a client; `read` gives a file of this folder as text. */
export type OpenClient = (
  url: string,
  read: (file: string) => string,
  options?: ClientOptions,
) => GameClient;

/** The server said no. */
export class ServerError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}
