import { checkFunctions, checkOptions } from "../options.ts";
import type { ConnectionOptions, Handlers } from "./handlers.ts";

/** One of each, so that the compiler reports a name that is missing below. */
const HANDLERS: Record<keyof Handlers<unknown>, true> = {
  ...{ context: true, open: true, message: true, drain: true, end: true },
  ...{ error: true, skipped: true, close: true },
};

const OPTIONS: Record<keyof ConnectionOptions, true> = {
  ...{ highWater: true, maxQueued: true, concurrency: true },
  ...{ firstMessageTimeout: true, frameTimeout: true, idleTimeout: true },
  ...{ sendTimeout: true, closeTimeout: true, endTimeout: true, turn: true },
  ...{ handlerErrors: true, onInvalid: true, clock: true, signal: true, trace: true },
};

/** Names of the handlers of a connection. */
export const HANDLER_NAMES: readonly string[] = /* @__PURE__ */ Object.freeze(
  /* @__PURE__ */ Object.keys(HANDLERS),
);

/** Names of the handlers and options of a connection, for `checkOptions`. */
export const CONNECTION_OPTIONS: readonly string[] = /* @__PURE__ */ Object.freeze(
  /* @__PURE__ */ HANDLER_NAMES.concat(/* @__PURE__ */ Object.keys(OPTIONS)),
);

const OPTION_NAMES: readonly string[] = /* @__PURE__ */ Object.keys(OPTIONS);

const known = /* @__PURE__ */ new WeakSet<object>();

/** Marks options that a transport has checked: it has options of its own, which connections do not know. */
export function checkedOptions<O extends object>(options: O): O {
  known.add(options);
  return options;
}

/**
 * Checks the names of the handlers and options of a connection. Sessions have options among their handlers, for
 * transports that take both at once: here they are taken from there, too.
 *
 * @returns the options
 * @throws TypeError for an unknown name, or a handler that is not a function
 */
export function connectionOptions<O extends ConnectionOptions>(handlers: object, options: O): O {
  // A transport has checked them all.
  if (known.has(options)) {
    checkFunctions(handlers, HANDLER_NAMES);
    return options;
  }
  checkHandlers(handlers);
  checkOptions("Connection", options, CONNECTION_OPTIONS);
  const given = handlers as Readonly<Record<string, unknown>>;
  const isAmong = (name: string): boolean =>
    given[name] !== undefined && options[name as keyof O] === undefined;
  const found = OPTION_NAMES.filter(isAmong);
  if (found.length === 0) return options;
  return { ...options, ...Object.fromEntries(found.map((name) => [name, given[name]])) };
}

/** @throws TypeError for handlers with an unknown name, or one that is not a function */
export function checkHandlers(handlers: object): void {
  checkOptions("Connection", handlers, CONNECTION_OPTIONS);
  checkFunctions(handlers, HANDLER_NAMES);
}
