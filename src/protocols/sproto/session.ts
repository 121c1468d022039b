/** Sessions are made in this range, round and round: all of them fit four bytes. */
const LAST = 0x7fff_ffff;

/**
 * The session after `last`: from 1 on, and from 1 again, but none that waits for its answer.
 *
 * @param waiting - what waits; far fewer than there are sessions, so one is found
 */
export function sessionAfter(last: number, waiting: { has(session: number): boolean }): number {
  let session = last;
  do session = session === LAST ? 1 : session + 1;
  while (waiting.has(session));
  return session;
}
