import { type Handlers, isThenable } from "../../core/index.ts";
import type { Network } from "./network.ts";

type AnyHandler = (...args: unknown[]) => unknown;

const NAMES = ["context", "open", "message", "drain", "end", "error", "skipped", "close"] as const;

/** The same handlers; the network reports errors that they throw. */
export function guarded<In, Out, Context>(
  handlers: Handlers<In, Out, Context>,
  network: Network,
): Handlers<In, Out, Context> {
  const guard =
    (run: AnyHandler): AnyHandler =>
    (...args) => {
      try {
        const returned = run(...args);
        if (isThenable(returned)) {
          (returned as PromiseLike<unknown>).then(undefined, (error) => network.fault(error));
        }
        return returned;
      } catch (error) {
        network.fault(error);
        throw error;
      }
    };
  const made: Record<string, AnyHandler> = {
    // Without this handler, errors of the peer would be printed.
    error: (_, error) => network.note(`error ${String(error)}`),
  };
  for (const name of NAMES) {
    const run = handlers[name] as AnyHandler | undefined;
    if (run !== undefined) made[name] = guard(run);
  }
  return made as Handlers<In, Out, Context>;
}
