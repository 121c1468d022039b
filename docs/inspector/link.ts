import { hexOf } from "../../src/core/index.ts";
import { fromHex } from "../../src/inspect/ready/index.ts";

/** What a link says: names and data, never code. */
export interface LinkState {
  readonly protocol: string;
  readonly schema: string;
  /** The schema of the other side. */
  readonly remote: string;
  readonly bytes: Uint8Array;
  readonly cuts: string;
  readonly every: number;
  readonly ends: boolean;
}

/** Most bytes that a link holds. */
export const MOST_LINKED = 16 * 1024;

/** The fragment of a link, without its `#`. */
export function fragmentOf({
  protocol,
  schema,
  remote,
  bytes,
  cuts,
  every,
  ends,
}: LinkState): string {
  const words = new URLSearchParams({ protocol });
  if (schema !== "") words.set("schema", schema);
  if (remote !== "") words.set("remote", remote);
  if (bytes.length <= MOST_LINKED) words.set("bytes", hexOf(bytes));
  if (cuts !== "") words.set("cuts", cuts);
  if (every > 0) words.set("every", String(every));
  if (ends) words.set("end", "1");
  return words.toString();
}

/**
 * What a fragment says; undefined if it says nothing.
 *
 * @throws Error if its bytes are not hex
 */
export function stateFrom(fragment: string): LinkState | undefined {
  const words = new URLSearchParams(fragment.replace(/^#/, ""));
  const protocol = words.get("protocol");
  if (protocol === null) return undefined;
  const every = Number(words.get("every") ?? 0);
  return {
    protocol,
    schema: words.get("schema") ?? "",
    remote: words.get("remote") ?? "",
    bytes: fromHex(words.get("bytes") ?? ""),
    cuts: words.get("cuts") ?? "",
    every: Number.isSafeInteger(every) && every > 0 ? every : 0,
    ends: words.get("end") === "1",
  };
}
