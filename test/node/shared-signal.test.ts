import { afterEach, expect, it } from "vitest";
import { lines, utf8 } from "../../src/index.ts";
import { connect, listen } from "../../src/transports/node/index.ts";

const host = "127.0.0.1";
const text = lines().wrap(utf8());
const warnings: Error[] = [];
const note = (warning: Error): void => void warnings.push(warning);

afterEach(() => {
  process.off("warning", note);
  warnings.length = 0;
});

it("lets 50 connections share one signal without a warning, and aborts all of them", async () => {
  process.on("warning", note);
  const server = await listen(text, { host, port: 0, error() {} });
  const controller = new AbortController();
  const { signal } = controller;
  const connections = await Promise.all(
    Array.from({ length: 50 }, () => connect(text, { host, port: server.port, signal })),
  );
  // Warnings come in a later tick.
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings.filter(({ name }) => name === "MaxListenersExceededWarning")).toEqual([]);
  const reason = new Error("the program ends");
  controller.abort(reason);
  const infos = await Promise.all(connections.map(({ closed }) => closed));
  for (const info of infos) expect(info).toEqual({ by: "error", error: reason });
  await server.close();
});
