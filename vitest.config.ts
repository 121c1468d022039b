import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { playwright } from "@vitest/browser-playwright";
import { defineConfig, type TestProjectConfiguration } from "vitest/config";
import { entries } from "./scripts/entries.mjs";
import {
  axeOf,
  closeInspectors,
  heardOf,
  onInspector,
  openInspector,
} from "./test/support/inspector-page.ts";

const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";
// Chromium refuses to start its own isolation as root, which is what most build machines are.
const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : [];

// Tests and examples import the package by its name. Here that is the source, so no build is needed.
const resolve = {
  alias: entries.map(({ name, source }) => ({
    find: new RegExp(`^${name}$`),
    replacement: fileURLToPath(new URL(source, import.meta.url)),
  })),
};

const projects: TestProjectConfiguration[] = [
  {
    resolve,
    test: {
      name: "node",
      include: [
        "test/unit/**/*.test.ts",
        "test/laws/**/*.test.ts",
        "test/node/**/*.test.ts",
        "test/peers/**/*.test.ts",
      ],
      setupFiles: ["test/support/seed.ts"],
      // Against hanging alone: on a machine that is busy otherwise a slow test is no failed one.
      testTimeout: 60_000,
    },
  },
  {
    // Needs `npm run build` first: these tests import the package by its own name.
    test: {
      name: "package",
      include: ["test/package/**/*.test.ts"],
      testTimeout: 120_000,
      hookTimeout: 120_000,
    },
  },
];

if (existsSync(chromium)) {
  projects.push({
    resolve,
    // Else it is found while the tests run, and the page is loaded anew.
    optimizeDeps: { include: ["protobufjs"] },
    test: {
      name: "browser",
      include: ["test/browser/**/*.test.ts", "test/laws/**/*.test.ts"],
      testTimeout: 60_000,
      setupFiles: ["test/support/seed.ts"],
      globalSetup: ["test/support/ws-server.ts", "test/support/skynet-servers.ts"],
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        api: { host: "127.0.0.1" },
        commands: { axeOf, closeInspectors, heardOf, onInspector, openInspector },
        provider: playwright({
          launchOptions: {
            executablePath: chromium,
            args: [
              ...asRoot,
              "--disable-gpu",
              "--disable-quic",
              "--no-first-run",
              "--disable-background-networking",
              "--disable-component-update",
              "--disable-sync",
            ],
          },
        }),
        instances: [{ browser: "chromium" }],
      },
    },
  });
} else if (process.env.SKIP_NOTHING) {
  throw new Error(`no Chromium at ${chromium}: nothing may be skipped here`);
} else {
  console.warn(
    `SKIPPED: the tests in a browser, for want of Chromium at ${chromium}.\n` +
      "Install it (Debian: apt-get install chromium) or say where it is: CHROMIUM=/path npm test",
  );
}

export default defineConfig({
  test: {
    coverage: {
      provider: "v8",
      include: ["src/**"],
      // Runs as the built command only: test/package/cli.test.ts.
      exclude: ["src/cli/main.ts"],
      reporter: ["text-summary", "html", "lcov"],
      thresholds: { lines: 98, functions: 98, statements: 98, branches: 95 },
    },
    projects,
  },
});
