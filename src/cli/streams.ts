/** An output of a command. */
export interface Pipe {
  write(text: string): unknown;
}

/** Inputs and outputs of a command. */
export interface Streams {
  /** Output of the command. */
  readonly out: Pipe;
  /** Output for errors, one line each. */
  readonly errors: Pipe;
  /** Standard input. */
  readonly input?: AsyncIterable<string | Uint8Array> | undefined;
  /** Stops a command that runs until it is stopped. */
  readonly stop?: AbortSignal | undefined;
}

/** Resolves when the command is stopped; otherwise never. */
export function stopped({ stop }: Streams): Promise<void> {
  return new Promise((resolve) => {
    if (stop?.aborted === true) resolve();
    else stop?.addEventListener("abort", () => resolve(), { once: true });
  });
}
