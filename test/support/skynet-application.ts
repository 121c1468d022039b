import type { Clock } from "../../src/index.ts";
import type { MessageServerOptions } from "../../src/protocols/skynet/index.ts";

/** The scripted application of the recorded message server: skynet.json describes it under `application`. */
export function scriptedApplication(clock: Clock): MessageServerOptions["request"] {
  let count = 0;
  const parked: ((text: string) => void)[] = [];
  const after = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));

  const answer = async (asked: string): Promise<string> => {
    const [name, first = "", second = ""] = asked.split(":");
    switch (name) {
      case "sleep":
        await after(Number(first));
        return second;
      case "count":
        if (first !== "0") await after(Number(first));
        return String(++count);
      case "fill":
        return "x".repeat(Number(first));
      case "throw":
        throw new Error("the application throws");
      case "wait":
        return new Promise((resolve) => parked.push(resolve));
      case "poke": {
        const oldest = parked.shift();
        oldest?.(first);
        return oldest === undefined ? "nobody" : "poked";
      }
      default:
        return asked;
    }
  };
  return async (_, content) => {
    const text = Buffer.from(content).toString("latin1");
    return Uint8Array.from(Buffer.from(await answer(text), "latin1"));
  };
}
