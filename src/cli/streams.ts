/** Where a command writes. */
export interface Pipe {
  write(text: string): unknown;
}

/** What a command reads and writes. */
export interface Streams {
  /** For what was asked for. */
  readonly out: Pipe;
  /** For what went wrong, one line. */
  readonly errors: Pipe;
  /** Standard input. */
  readonly input?: AsyncIterable<string | Uint8Array> | undefined;
  /** Ends a command that runs until it is stopped. */
  readonly stop?: AbortSignal | undefined;
}

/** Resolves when the command is stopped; never, if nothing stops it. */
export function stopped({ stop }: Streams): Promise<void> {
  return new Promise((resolve) => {
    if (stop?.aborted === true) resolve();
    else stop?.addEventListener("abort", () => resolve(), { once: true });
  });
}
