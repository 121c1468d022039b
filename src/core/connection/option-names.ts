import { checkOptions } from "../options.ts";
import type { ConnectionOptions, Handlers } from "./handlers.ts";

/** One of each, so that the compiler tells of a name that is missing below. */
const NAMES: Record<keyof Handlers<unknown> | keyof ConnectionOptions, true> = {
  ...{ context: true, open: true, message: true, drain: true, end: true },
  ...{ error: true, skipped: true, close: true },
  ...{ highWater: true, maxQueued: true, concurrency: true },
  ...{ firstMessageTimeout: true, frameTimeout: true, idleTimeout: true },
  ...{ sendTimeout: true, closeTimeout: true, endTimeout: true, turn: true },
  ...{ handlerErrors: true, onInvalid: true, clock: true, signal: true, trace: true },
};

/** Names of the handlers and options of a connection, for `checkOptions`. */
export const CONNECTION_OPTIONS: readonly string[] = /* @__PURE__ */ Object.freeze(
  /* @__PURE__ */ Object.keys(NAMES),
);

const known = /* @__PURE__ */ new WeakSet<object>();

/** Marks options that a transport has checked: it has options of its own, which connections do not know. */
export function checkedOptions<O extends object>(options: O): O {
  known.add(options);
  return options;
}

/** @throws TypeError for options of a connection with an unknown name */
export function checkConnectionOptions(options: object): void {
  if (!known.has(options)) checkOptions("Connection", options, CONNECTION_OPTIONS);
}
