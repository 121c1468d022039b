import {
  type Clock,
  type OwnConnection,
  type Trace,
  type TraceEvent,
  teller,
} from "../core/index.ts";

/**
 * Tells of what happens to the session of one connection: its own trace, if it has one, else that of the connection.
 * Undefined if no one looks.
 */
export function tellerOf(
  connection: object,
  trace: Trace | undefined,
  clock: Clock,
): ReturnType<typeof teller> {
  const own = connection as Partial<NonNullable<TraceEvent["connection"]> & OwnConnection>;
  if (trace === undefined && "teller" in connection) return own.teller;
  const known = own as NonNullable<TraceEvent["connection"]>;
  return teller({ trace, name: own.protocol?.name ?? "session", clock, connection: () => known });
}
