/*
 * A call that never returns hangs a test without any message: no timer fires, and no test runner can end
 * it. Node can: a script of its module `vm` has a timeout, which also stops functions that the script
 * calls, even inside `try {}`. A worker thread could not receive closures.
 */

interface Vm {
  readonly Script: new (
    code: string,
  ) => {
    runInThisContext(options: { readonly timeout: number }): unknown;
  };
}

interface Host {
  readonly process?: {
    readonly versions?: Readonly<Record<string, string | undefined>>;
    // Not an import: bundlers for browsers would try to resolve the module.
    getBuiltinModule?(name: "node:vm"): Vm | undefined;
    getBuiltinModule?(name: "node:inspector"): { url(): string | undefined } | undefined;
    cpuUsage?(): { readonly user: number };
  };
}

/** The result of {@link within} if the time is over. */
export const OVERDUE: unique symbol = Symbol("overdue");

const KEY = Symbol.for("framewright.testing.run");
type Global = Record<symbol, unknown>;

/**
 * The module that interrupts calls; undefined in other runtimes than Node, and while a debugger may stop
 * the program.
 */
function interrupter(): Vm | undefined {
  try {
    const { process } = globalThis as Host;
    const { versions } = process ?? {};
    if (versions?.node === undefined || "bun" in versions || "deno" in versions) return undefined;
    if (process?.getBuiltinModule?.("node:inspector")?.url() !== undefined) return undefined;
    return process?.getBuiltinModule?.("node:vm");
  } catch {
    return undefined;
  }
}

let scriptGlobal: Global | undefined;

/** The global object of scripts. In jest it differs from that of this module, because tests run in a separate context. */
function globalOf({ Script }: Vm): Global {
  scriptGlobal ??= new Script("globalThis").runInThisContext({ timeout: 60_000 }) as Global;
  return scriptGlobal;
}

/** True if a call that never returns can be interrupted: in Node 20.16, 22.3 and newer. @internal */
export const canInterrupt = (): boolean => interrupter() !== undefined;

/**
 * Runs a function, and interrupts it after `milliseconds`; in other runtimes than Node it only runs the
 * function.
 * @internal
 */
export function within<T>(milliseconds: number, run: () => T): T | typeof OVERDUE {
  const vm = milliseconds < 2 ** 31 ? interrupter() : undefined;
  if (vm === undefined) return run();
  const global = globalOf(vm);
  const outer = global[KEY];
  let done: { readonly result: T } | undefined;
  global[KEY] = (): void => {
    done = { result: run() };
  };
  try {
    const script = new vm.Script(`globalThis[Symbol.for("${KEY.description}")]()`);
    script.runInThisContext({ timeout: Math.max(1, Math.ceil(milliseconds)) });
    return done!.result;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    // The function may have returned just in time.
    return done === undefined ? OVERDUE : (done as { readonly result: T }).result;
  } finally {
    global[KEY] = outer;
  }
}

/** CPU time of this process, in milliseconds: on a busy machine it is less than the elapsed time. */
function worked(): number | undefined {
  const used = (globalThis as Host).process?.cpuUsage?.().user;
  return used === undefined ? undefined : used / 1000;
}

const MOST_TRIES = 6;

/**
 * True if a call does not return within the time. Repeats the call while the process received too little
 * CPU time to decide.
 * @internal
 */
export function neverReturns(milliseconds: number, call: () => void): boolean {
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    const before = worked();
    if (within(milliseconds, () => attempt(call)) !== OVERDUE) return false;
    const after = worked();
    if (before === undefined || after === undefined || after - before > milliseconds / 2) break;
  }
  return true;
}

function attempt(call: () => void): void {
  try {
    call();
  } catch {
    // It has returned.
  }
}
