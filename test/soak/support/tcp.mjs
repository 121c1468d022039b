// What both processes of the TCP soak agree on.
import { readdirSync } from "node:fs";
import { json, lengthPrefixed } from "framewright";

export const host = "127.0.0.1";

/** Request: `{ kind, id, n, pad, want }`; answer: `{ id, n, pad }` with a pad as long as was wanted. */
export const protocol = lengthPrefixed({ width: 4, maxFrame: 65_536 }).wrap(json());

/** The text that belongs to a number: whoever gets another one got another message. */
export const padOf = (n, length) => String.fromCharCode(97 + (n % 26)).repeat(length);

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Numbers from 0 to 1, the same for the same seed. */
export function randomFrom(seed) {
  let state = (seed % 0x7fff_fffe) + 1;
  return () => {
    state = (state * 48_271) % 0x7fff_ffff;
    return state / 0x7fff_ffff;
  };
}

/** How many descriptors this process has open; undefined where the system does not tell. */
export function descriptors() {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}

/** As `descriptors`, once they are `before` again; a socket that is closed is let go a little later. */
export async function descriptorsAfter(before) {
  for (let i = 0; i < 100 && descriptors() > before; i++) await sleep(20);
  return descriptors();
}
