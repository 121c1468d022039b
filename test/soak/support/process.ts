// What a process holds, and waiting for it to come back.
import { readdirSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

/** What must be the same before and after. */
export interface Holdings {
  /** Open descriptors; undefined where the system has no /proc/self/fd. */
  readonly descriptors: number | undefined;
  /** What keeps the process from ending: sockets, timers and the like, each with its number. */
  readonly resources: string;
}

function holdings(): Holdings {
  const counts = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo()) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const resources = Array.from(counts, ([name, count]) => `${name} ${count}`).sort();
  return { descriptors: descriptors(), resources: resources.join(", ") };
}

function descriptors(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}

/** What this process holds at rest: as `wanted`, or after some tries, since what is closed is let go a little later. */
export async function holdingsAtRest(wanted?: Holdings): Promise<Holdings> {
  for (let tries = 0; ; tries++) {
    await sleep(20);
    const found = holdings();
    if (wanted === undefined ? tries === 5 : tries === 100 || isSame(found, wanted)) return found;
  }
}

export function isSame(one: Holdings, other: Holdings): boolean {
  return one.descriptors === other.descriptors && one.resources === other.resources;
}

/** Bytes held on behalf of JavaScript: its heap, and outside of it with the memory of all ArrayBuffers. */
export function heldBytes(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("needs --expose-gc");
  // The memory of an ArrayBuffer that the first finds unused is let go while the second begins.
  gc();
  gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** How late this process has been for its own timers, at most, in milliseconds: how busy the machine was. */
export function lateness(): () => number {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  return () => Math.round(delay.max / 1e6);
}
