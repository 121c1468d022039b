import type { Handlers, OwnConnection } from "../../core/index.ts";

/**
 * Handlers of a connection that do not depend on its protocol: those that a program passed to
 * `listen` or `connect` in addition to ours stay after the handshake.
 */
export function lastingHandlers<In, Out, Context>(connection: object): Handlers<In, Out, Context> {
  const { handlers } = connection as Partial<OwnConnection>;
  const { drain, error, close, skipped } = (handlers ?? {}) as Handlers<In, Out, Context>;
  return { drain, error, close, skipped };
}
