/** What calls something off that takes its time: an `AbortSignal`, or what looks like one where there is none. */
export interface CancelSignal {
  /** Was it called off? */
  readonly aborted: boolean;
  /** Why. */
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
