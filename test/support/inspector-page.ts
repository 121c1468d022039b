import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright";
import type { BrowserCommandContext } from "vitest/node";
import { buildPage } from "../../scripts/page.mjs";

/* Tests run in a page of Chromium; these commands open the inspector in another one of the same Chromium, and work there. */

/** How the inspector is opened. */
export interface OpenOptions {
  /** From the disk, or from a server. */
  readonly from?: "file" | "http" | undefined;
  readonly fragment?: string | undefined;
  readonly dark?: boolean | undefined;
  readonly width?: number | undefined;
}

/** A member of a page or a locator, and what it is called with. */
export interface Call {
  readonly member: string;
  readonly args?: readonly unknown[] | undefined;
}

interface Opened {
  readonly page: Page;
  /** All that it asked for, but itself. */
  readonly requests: string[];
  /** What it complained about. */
  readonly complaints: string[];
}

const require = createRequire(import.meta.url);
const opened = new Map<string, Opened>();
let count = 0;
let file: Promise<string> | undefined;

function built(): Promise<string> {
  file ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), "framewright-inspector-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    return buildPage(join(folder, "index.html"));
  })();
  return file;
}

/** Serves the page, and nothing else. */
async function served(path: string, requests: string[]): Promise<{ url: string; stop(): void }> {
  const server = createServer((request, response) => {
    if (request.url !== "/inspector/") requests.push(`server: ${request.url}`);
    response.setHeader("content-type", "text/html");
    response.end(readFileSync(path));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/inspector/`, stop: () => server.close() };
}

/** Opens the inspector. Returns a name for it. */
export async function openInspector(
  { context }: BrowserCommandContext,
  { from = "file", fragment = "", dark = false, width = 1400 }: OpenOptions,
): Promise<string> {
  const path = await built();
  const requests: string[] = [];
  const complaints: string[] = [];
  const server = from === "http" ? await served(path, requests) : undefined;
  const url = server?.url ?? pathToFileURL(path).href;
  const own = await context.browser()!.newContext({
    colorScheme: dark ? "dark" : "light",
    viewport: { width, height: 900 },
  });
  const page = await own.newPage();
  page.on("request", (request) => {
    if (request.url().split("#")[0] !== url) requests.push(request.url());
  });
  page.on("websocket", (socket) => requests.push(socket.url()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("close", () => server?.stop());
  await page.goto(`${url}${fragment === "" ? "" : `#${fragment}`}`);
  const id = String(++count);
  opened.set(id, { page, requests, complaints });
  return id;
}

/** Calls members one after the other, each on what the one before returned. */
export async function onInspector(
  _: BrowserCommandContext,
  id: string,
  calls: readonly Call[],
): Promise<unknown> {
  let subject: unknown = opened.get(id)!.page;
  for (const { member, args } of calls) {
    const found = (subject as Record<string, unknown>)[member];
    subject =
      args === undefined
        ? found
        : await (found as (...all: unknown[]) => unknown).apply(subject, [...args]);
  }
  // Pages and locators stay here.
  return typeof subject === "object" && subject !== null && "page" in subject
    ? null
    : (subject ?? null);
}

/** What the inspector asked for, and complained about. */
export async function heardOf(_: BrowserCommandContext, id: string): Promise<Omit<Opened, "page">> {
  const { requests, complaints } = opened.get(id)!;
  return { requests, complaints };
}

/** What axe-core finds wrong: rules, and the elements. */
export async function axeOf(_: BrowserCommandContext, id: string): Promise<readonly string[]> {
  const { page } = opened.get(id)!;
  const path = require.resolve("axe-core/axe.min.js");
  await page.evaluate(`if (!("axe" in window)) { ${readFileSync(path, "utf8")} }`);
  return page.evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes.slice(0, 3).map(({ html, any }) =>
      html.slice(0, 120) + " " + any.map(({ message }) => message).join("; ")).join(" | ")))`);
}

/** Closes all of them. */
export async function closeInspectors(): Promise<void> {
  for (const { page } of opened.values()) await page.context().close();
  opened.clear();
}
