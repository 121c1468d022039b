import type { Page } from "playwright";
import { commands } from "vitest/browser";
import type {
  axeOf,
  Call,
  closeInspectors,
  heardOf,
  OpenOptions,
  onInspector,
  openInspector,
} from "./inspector-page.ts";

type Command<F> = F extends (context: never, ...args: infer Args) => infer Result
  ? (...args: Args) => Result
  : never;

declare module "vitest/browser" {
  interface BrowserCommands {
    openInspector: Command<typeof openInspector>;
    onInspector: Command<typeof onInspector>;
    heardOf: Command<typeof heardOf>;
    axeOf: Command<typeof axeOf>;
    closeInspectors: Command<typeof closeInspectors>;
  }
}

/** An inspector in another page. */
export interface Inspector {
  /** Its page: calls are collected, and made there when the result is awaited. Functions cannot be passed. */
  readonly page: Page;
  /** What it asked for, and complained about. */
  heard(): ReturnType<Command<typeof heardOf>>;
  /** What axe-core finds wrong. */
  axe(): ReturnType<Command<typeof axeOf>>;
}

/** Opens the inspector. */
export async function inspector(options: OpenOptions = {}): Promise<Inspector> {
  const id = await commands.openInspector(options);
  return {
    page: remote(id, []) as Page,
    heard: () => commands.heardOf(id),
    axe: () => commands.axeOf(id),
  };
}

/** What collects members and calls. */
function remote(id: string, calls: readonly Call[]): unknown {
  return new Proxy(() => {}, {
    get(_, member) {
      if (member === "then") {
        const result = commands.onInspector(id, calls);
        return result.then.bind(result);
      }
      return remote(id, [...calls, { member: String(member) }]);
    },
    apply(_, __, args) {
      const { member } = calls.at(-1)!;
      return remote(id, [...calls.slice(0, -1), { member, args }]);
    },
  });
}
