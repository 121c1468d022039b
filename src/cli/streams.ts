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
}
