import {
  type Clock,
  type OwnConnection,
  type Trace,
  type TraceEvent,
  teller,
} from "../core/index.ts";

/**
 * Returns the trace for the session of one connection: the session's own, if it has one, else that of the
 * connection. Undefined if there is no trace.
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
