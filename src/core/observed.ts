import { checkedOptions } from "./connection/option-names.ts";
import type { Trace, TraceEvent } from "./connection/trace.ts";
import { diagnosticsChannel, variable } from "./host.ts";

/** What writes the lines of `FRAMEWRIGHT_DEBUG`: `framewright/inspect`, which is loaded when it is needed. */
type Load = () => Promise<{ textTrace(options: { readonly filter: string }): Trace }>;

/** The last value of the variable, and the trace that it asks for. */
let setting: string | undefined;
let debug: Trace | undefined;

/**
 * The options of a new connection of a transport, with everything that looks at its trace: its own option, the variable
 * `FRAMEWRIGHT_DEBUG`, and subscribers of Node's diagnostics channel `framewright:trace`.
 */
export function observed<O extends { readonly trace?: Trace | undefined }>(
  options: O,
  load: Load,
): O {
  const wanted = variable("FRAMEWRIGHT_DEBUG");
  if (wanted !== setting) {
    setting = wanted;
    debug =
      wanted === undefined || /^(0|false)?$/.test(wanted) ? undefined : printing(wanted, load);
  }
  const channel = diagnosticsChannel("framewright:trace");
  const publish = channel?.hasSubscribers === true ? channel : undefined;
  if (debug === undefined && publish === undefined) return checkedOptions(options);
  const [print, { trace }] = [debug, options];
  return checkedOptions({
    ...options,
    trace(event: TraceEvent) {
      print?.(event);
      publish?.publish(event);
      trace?.(event);
    },
  });
}

/** Keeps events until what prints them is loaded. */
function printing(filter: string, load: Load): Trace {
  let waiting: TraceEvent[] | undefined = [];
  let print: Trace = (event) => void waiting?.push(event);
  load().then(
    ({ textTrace }) => {
      print = textTrace({ filter });
      waiting?.forEach(print);
      waiting = undefined;
    },
    () => {
      // Left out of the bundle: there is nothing to print with.
      print = () => {};
      waiting = undefined;
    },
  );
  return (event) => print(event);
}
