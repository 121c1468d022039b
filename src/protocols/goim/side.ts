/**
 * Checks the option `side`.
 *
 * @throws RangeError for an unknown side
 */
export function checkSide(side: "client" | "server" | undefined): void {
  if (side === undefined || side === "client" || side === "server") return;
  throw new RangeError(`side must be "client" or "server", not ${String(side)}`);
}
