import type { Clock } from "./clock.ts";
import { guard } from "./connection/guard.ts";
import { checkedOptions } from "./connection/option-names.ts";
import type { Happening, Trace, TraceEvent } from "./connection/trace.ts";
import { diagnosticsChannel, variable } from "./host.ts";

/**
 * Writes the lines of `FRAMEWRIGHT_DEBUG`: part of `framewright/inspect`, which is loaded when it is needed.
 */
type Load = () => Promise<{ textTrace(options: { readonly filter: string }): Trace }>;

/** The last value of the variable, and the trace that it asks for. */
let setting: string | undefined;
let debug: Printer | undefined;
/** Loads `framewright/inspect`. Set by transports; sessions may begin before there is one. */
let loader: Load | undefined;

/**
 * The options of a new connection of a transport, with everything that receives its trace: its own option,
 * the variable `FRAMEWRIGHT_DEBUG`, and subscribers of Node's diagnostics channel `framewright:trace`.
 */
export function observed<O extends { readonly trace?: Trace | undefined }>(
  options: O,
  load: Load,
): O {
  const trace = observedTrace(options.trace, load);
  return checkedOptions(trace === options.trace ? options : { ...options, trace });
}

/** As {@link observed}, for one trace. */
function observedTrace(trace: Trace | undefined, load?: Load): Trace | undefined {
  loader ??= load;
  const wanted = variable("FRAMEWRIGHT_DEBUG");
  if (wanted !== setting) {
    setting = wanted;
    debug = wanted === undefined || /^(0|false)?$/.test(wanted) ? undefined : new Printer(wanted);
  }
  if (loader !== undefined) debug?.load(loader);
  const channel = diagnosticsChannel("framewright:trace");
  const publish = channel?.hasSubscribers === true ? channel : undefined;
  if (debug === undefined && publish === undefined) return trace;
  const print = debug;
  return (event: TraceEvent) => {
    print?.print(event);
    publish?.publish(event);
    trace?.(event);
  };
}

/** Maximum number of events kept until the module that prints them is loaded. */
const MOST_WAITING = 10_000;

/** Keeps events until the module that prints them is loaded. */
class Printer {
  readonly #filter: string;
  #isLoading = false;
  #waiting: TraceEvent[] | undefined = [];
  #print: Trace = (event) => {
    if (this.#waiting !== undefined && this.#waiting.length < MOST_WAITING) {
      this.#waiting.push(event);
    }
  };

  constructor(filter: string) {
    this.#filter = filter;
  }

  print(event: TraceEvent): void {
    this.#print(event);
  }

  load(load: Load): void {
    if (this.#isLoading) return;
    this.#isLoading = true;
    load()
      .then(({ textTrace }) => {
        this.#print = textTrace({ filter: this.#filter });
        this.#waiting?.forEach(this.#print);
        this.#waiting = undefined;
      })
      .catch(() => {
        // Left out of the bundle: there is nothing to print with.
        this.#print = () => {};
        this.#waiting = undefined;
      });
  }
}

/** The source of the events of a session, or of a server. */
export interface TracedSource {
  readonly name: string;
  readonly clock: Clock;
  /** The option of the session or transport. */
  readonly trace: Trace | undefined;
  readonly connection?: (() => TraceEvent["connection"] | undefined) | undefined;
}

/**
 * Returns a function that reports events of a session, or of a server; undefined if nothing receives them.
 *
 * @param load - for transports
 */
export function teller(
  source: TracedSource,
  load?: Load,
): ((happening: Happening) => void) | undefined {
  const trace = observedTrace(source.trace, load);
  if (trace === undefined) return undefined;
  const { name, clock } = source;
  return (happening: Happening) => {
    const connection = source.connection?.();
    // A trace that throws does no harm.
    guard(() => trace({ ...happening, name, connection, at: clock.now() } as TraceEvent));
  };
}
