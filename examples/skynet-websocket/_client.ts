import type { ReconnectOptions, WebSocketClass } from "framewright/web";

// The functions of a game client, for either protocol; runs in browsers too.

export interface PlayerView {
  readonly userid: number;
  readonly nickname: string;
  readonly level: number;
  readonly exp: number;
  readonly vipLevel: number;
}

export interface GameClient {
  /** Checks if the server answers. */
  ping(): Promise<void>;
  signin(userid: string): Promise<void>;
  /** Resolves with the number of the player; 0 if the server does not return one. */
  login(account: string, password: string): Promise<number>;
  playerInfo(userid: number): Promise<PlayerView>;
  /** Cuts the connection as if it were lost: a client that reconnects opens a new one. */
  cut(error: Error): void;
  /** Closes the client permanently. */
  close(): void;
}

export interface ClientOptions {
  /** The WebSocket class. By default the global one, as in browsers. */
  readonly WebSocket?: WebSocketClass | undefined;
  /** Reconnect when the connection is lost. By default false. */
  readonly reconnect?: ReconnectOptions | undefined;
  /** Time limit of a request, in milliseconds: servers may not answer. */
  readonly timeout?: number | undefined;
  /** Called with each push of the server. */
  readonly push?: ((text: string) => void) | undefined;
  /** Called when a connection is open. */
  readonly open?: (() => void) | undefined;
  /** Called when a connection is over. */
  readonly close?: ((error: unknown) => void) | undefined;
}

/** Opens a client; `read` returns a file of this folder as text. */
export type OpenClient = (
  url: string,
  read: (file: string) => string,
  options?: ClientOptions,
) => GameClient;

/** An error answer of the server. */
export class ServerError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}
