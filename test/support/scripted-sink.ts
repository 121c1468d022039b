import type { Sink } from "../../src/index.ts";

/** A sink that writes down what happens to it, and is as full as a test wants it to be. */
export class ScriptedSink implements Sink {
  readonly boundary: "stream" | "message";
  /** What was called, in order; a write with its bytes as text. */
  readonly calls: string[] = [];
  readonly writes: Uint8Array[] = [];
  readonly textFlags: boolean[] = [];
  /** What `close` and `abort` were given. */
  readonly reasons: unknown[] = [];
  /** The answer of `write`. */
  roomy = true;
  /** Called inside `write`, for transports that answer at once. */
  onWrite: (bytes: Uint8Array) => void = () => {};

  constructor(boundary: "stream" | "message" = "stream") {
    this.boundary = boundary;
  }

  write(bytes: Uint8Array, text: boolean): boolean {
    this.writes.push(bytes);
    this.textFlags.push(text);
    this.calls.push(`write ${String.fromCharCode(...bytes.subarray(0, 100))}`);
    this.onWrite(bytes);
    return this.roomy;
  }

  pause(): void {
    this.calls.push("pause");
  }

  resume(): void {
    this.calls.push("resume");
  }

  close(error?: unknown): void {
    this.reasons.push(error);
    this.calls.push("close");
  }

  abort(error?: unknown): void {
    this.reasons.push(error);
    this.calls.push("abort");
  }
}
