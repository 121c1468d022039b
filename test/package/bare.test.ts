import { createContext, runInContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { entryPoints, readText } from "../support/package.ts";

// Loads the built package in a realm with only the language: no TextDecoder, timers, Buffer or
// console. WeChat, Cocos and QuickJS offer little more.

interface Realm {
  /** Loads a file of `dist` and its dependencies, and returns its exports. */
  load(file: string): Record<string, unknown>;
  run(script: string): unknown;
}

function bareRealm(): Realm {
  const realm = createContext(Object.create(null) as object);
  // V8 puts a console into each context.
  runInContext("delete globalThis.console; delete globalThis.WebAssembly", realm);
  const loaded = new Map<string, Record<string, unknown>>();
  const load = (file: string): Record<string, unknown> => {
    const before = loaded.get(file);
    if (before !== undefined) return before;
    const module = runInContext("({ exports: {} })", realm) as { exports: Record<string, unknown> };
    loaded.set(file, module.exports);
    const wrapper = `(function (module, exports, require) {${readText(`dist/${file}`)}\n})`;
    const define = runInContext(wrapper, realm, { filename: `dist/${file}` }) as (
      ...args: unknown[]
    ) => void;
    define(module, module.exports, (path: string) => {
      if (!path.startsWith("./")) throw new Error(`${file} requires ${path}`);
      return load(path.slice(2));
    });
    loaded.set(file, module.exports);
    return module.exports;
  };
  return { load, run: (script) => runInContext(script, realm) as unknown };
}

describe("in a realm without any host", () => {
  it("has only the language", () => {
    const { run } = bareRealm();
    const hosts = [
      "TextDecoder",
      "Buffer",
      "process",
      "setTimeout",
      "queueMicrotask",
      "performance",
    ];
    for (const name of [...hosts, "console", "require", "crypto"]) {
      expect(run(`typeof ${name}`), name).toBe("undefined");
    }
  });

  it.each(entryPoints.filter(({ pure }) => pure))("$name loads", ({ file }) => {
    expect(Object.keys(bareRealm().load(`${file}.cjs`))).not.toEqual([]);
  });

  it.each(entryPoints.filter(({ pure }) => pure))(
    "$name loads if the environment may not be read, as in Deno",
    ({ file }) => {
      const { load, run } = bareRealm();
      run(`globalThis.process = {
        env: new Proxy({}, { get() { throw new Error("NotCapable"); } }),
        get getBuiltinModule() { throw new Error("NotCapable"); },
      }`);
      expect(Object.keys(load(`${file}.cjs`))).not.toEqual([]);
    },
  );

  it("the core writes and reads", () => {
    const { load, run } = bareRealm();
    const use = run(`(function (core) {
      const protocol = core.lines().wrap(core.json());
      const values = [{ text: "é€😀".repeat(20) }, [null, 1.5], "x".repeat(5000)];
      const wire = core.encodeAll(protocol, values);
      const splitter = new core.Splitter(protocol);
      const found = [];
      for (let at = 0; at < wire.length; at += 7) {
        splitter.push(wire.slice(at, at + 7));
        while (splitter.next()) {
          found.push(protocol.decode(splitter.bytes, splitter.start, splitter.end));
        }
      }
      splitter.finish();
      let failure;
      try {
        core.decodeFrame(protocol, wire.subarray(0, 9));
      } catch (error) {
        failure = error.code;
      }
      return JSON.stringify([JSON.stringify(found) === JSON.stringify(values), wire.length, failure]);
    })`) as (core: unknown) => string;
    const values = [{ text: "é€😀".repeat(20) }, [null, 1.5], "x".repeat(5000)];
    const expected = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(""));
    expect(JSON.parse(use(load("index.cjs")))).toEqual([true, expected.length, "truncated"]);
  });

  it("the clock option is required", () => {
    const { load } = bareRealm();
    const { systemClock } = load("index.cjs") as {
      systemClock: { now(): number; after(ms: number, run: () => void): unknown };
    };
    expect(typeof systemClock.now()).toBe("number");
    expect(() => systemClock.after(1, () => {})).toThrow("give a clock");
  });
});
