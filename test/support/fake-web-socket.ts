import type { WebSocketLike } from "../../src/transports/web/index.ts";

/** A WebSocket as browsers have it, whose events and unsent bytes are up to a test. */
export class FakeWebSocket implements WebSocketLike {
  readyState = 1;
  binaryType = "blob";
  bufferedAmount = 0;
  readonly sent: (string | Uint8Array)[] = [];
  readonly closes: string[] = [];
  readonly #listeners = new Map<string, ((event: unknown) => void)[]>();

  send(data: string | Uint8Array): void {
    this.sent.push(data);
    this.bufferedAmount += data.length;
  }

  close(code?: number, reason = ""): void {
    if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
      throw new Error(`close(${code})`);
    }
    this.readyState = 2;
    this.closes.push(`${code ?? 1005} ${reason}`);
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    const listeners = this.#listeners.get(type) ?? [];
    this.#listeners.set(type, [...listeners, listener as (event: unknown) => void]);
  }

  emit(type: string, event: object = {}): void {
    for (const listener of this.#listeners.get(type) ?? []) listener(event);
  }
}
