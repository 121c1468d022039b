/** How long to wait before connecting again, in milliseconds. */
export interface Backoff {
  /**
   * After the first failure; doubled after each further one.
   * @defaultValue 1000
   */
  readonly least?: number | undefined;
  /**
   * Never longer than this.
   * @defaultValue 60 000
   */
  readonly most?: number | undefined;
}

/**
 * The wait after the `failures`-th failure in a row: doubled each time, and a random half of it taken off, so that
 * the clients of a server that went down do not come back all at once.
 */
export function backoffDelay(backoff: Backoff, failures: number, random: () => number): number {
  const { least = 1000, most = 60_000 } = backoff;
  const whole = Math.min(most, least * 2 ** Math.min(failures - 1, 52));
  return (whole / 2) * (1 + random());
}
