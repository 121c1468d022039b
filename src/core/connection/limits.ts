import { systemClock } from "../clock.ts";
import { timers } from "../host.ts";
import { checkFunctions } from "../options.ts";
import { checkLimits } from "../range.ts";
import type { ConnectionOptions } from "./handlers.ts";
import { HANDLER_NAMES } from "./option-names.ts";

const HIGH_WATER = 262_144;
const MAX_QUEUED = 8_388_608;
const CLOSE_TIMEOUT = 10_000;
const END_TIMEOUT = 60_000;
const TURN = 8;

const TIMES = [
  "idleTimeout",
  "firstMessageTimeout",
  "frameTimeout",
  "sendTimeout",
  "closeTimeout",
  "endTimeout",
  "turn",
] as const;

/** The limits of a connection, checked; a time of Infinity is no limit. */
export interface Limits {
  readonly highWater: number;
  /** Unchanged: the default depends on the protocol. */
  readonly maxQueued: number | undefined;
  readonly idleTimeout: number;
  readonly firstMessageTimeout: number;
  readonly frameTimeout: number;
  readonly sendTimeout: number;
  readonly closeTimeout: number;
  readonly endTimeout: number;
  readonly turn: number;
  readonly concurrency: number;
}

/**
 * Checks the limits among the options of a connection and fills in the defaults.
 *
 * @throws RangeError for a limit that is NaN, negative or not a number; TypeError for another wrong option
 */
export function limitsOf(options: ConnectionOptions): Limits {
  checkLimits(options, "highWater", "maxQueued", ...TIMES);
  const { concurrency = 1 } = options;
  if (!(Number.isInteger(concurrency) || concurrency === Infinity) || concurrency < 1) {
    throw new RangeError(
      `concurrency must be an integer of at least 1, not ${String(concurrency)}`,
    );
  }
  checkHandlerErrors(options.handlerErrors);
  checkParts(options);
  const hasTime = options.clock !== undefined || timers !== undefined;
  const time = (given: number | undefined, usual: number): number => {
    const ms = given ?? (hasTime ? usual : 0);
    return ms === 0 ? Infinity : ms;
  };
  const limits: Limits = {
    highWater: options.highWater ?? HIGH_WATER,
    maxQueued: options.maxQueued,
    idleTimeout: time(options.idleTimeout, 0),
    firstMessageTimeout: time(options.firstMessageTimeout, 0),
    frameTimeout: time(options.frameTimeout, 0),
    sendTimeout: time(options.sendTimeout, 0),
    closeTimeout: time(options.closeTimeout, CLOSE_TIMEOUT),
    endTimeout: time(options.endTimeout, END_TIMEOUT),
    turn: time(options.turn, TURN),
    concurrency,
  };
  if (!hasSameLimits(limits, last)) last = limits;
  return last;
}

/** Those of the last connection: the connections of a server share them. */
let last: Limits | undefined;

function hasSameLimits(limits: Limits, other: Limits | undefined): other is Limits {
  if (other === undefined) return false;
  return (Object.keys(limits) as (keyof Limits)[]).every((name) => limits[name] === other[name]);
}

/** @throws TypeError unless it is a value of the option */
export function checkHandlerErrors(handlerErrors: unknown): void {
  if (handlerErrors === undefined || handlerErrors === "report" || handlerErrors === "throw")
    return;
  throw new TypeError(`handlerErrors must be "report" or "throw", not ${String(handlerErrors)}`);
}

/** Checks functions and objects that are called later; the options of a transport include handlers. */
function checkParts(options: ConnectionOptions): void {
  checkFunctions(options, HANDLER_NAMES);
  const { clock, signal, onInvalid, trace } = options;
  if (trace !== undefined) checkFunctions(options, ["trace"]);
  if (clock !== undefined && !(hasFunction(clock, "now") && hasFunction(clock, "after"))) {
    throw new TypeError("clock must be a Clock, with now() and after()");
  }
  if (signal !== undefined && !hasFunction(signal, "addEventListener")) {
    throw new TypeError("signal must be an AbortSignal");
  }
  if (onInvalid !== undefined && !hasFunction(onInvalid, "splitter")) {
    throw new TypeError("onInvalid must be a policy: skip() or resync()");
  }
}

const hasFunction = (value: unknown, name: string): boolean =>
  typeof (Object(value) as Readonly<Record<string, unknown>>)[name] === "function";

/** Maximum number of queued bytes in each direction: as given, or enough for two frames. */
export function maxQueuedOf(limits: Limits, maxFrame: number): number {
  return limits.maxQueued ?? Math.max(MAX_QUEUED, 2 * maxFrame);
}

/** The given clock, or the runtime's. */
export const clockOf = (options: ConnectionOptions): typeof systemClock =>
  options.clock ?? systemClock;
