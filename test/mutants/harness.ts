// What tests of the core import from "vitest", for a process that runs some of them and ends at the first failure: a run
// of Vitest itself takes seconds to begin, and there are hundreds of mutants.
import { JestAsymmetricMatchers, JestChaiExpect, JestExtend } from "@vitest/expect";
import { fn, restoreAllMocks, spyOn } from "@vitest/spy";
import * as chai from "chai";

type Body = () => unknown;

interface Suite {
  readonly name: string;
  readonly parent: Suite | undefined;
  readonly before: Body[];
  readonly after: Body[];
}

export interface Test {
  readonly name: string;
  readonly suite: Suite;
  readonly body: Body;
}

const root: Suite = { name: "", parent: undefined, before: [], after: [] };
let current = root;
const tests: Test[] = [];

/** Loads a file of tests; its hooks are for its own tests. */
export async function load(path: string): Promise<readonly Test[]> {
  current = { ...root, before: [], after: [] };
  tests.length = 0;
  await import(path);
  return [...tests];
}

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);

const plain = (value: unknown, message?: string): unknown => chai.expect(value, message);
export const expect = Object.assign(plain, {
  ...chai.expect,
  poll: () => {
    throw new Error("expect.poll is not for mutants");
  },
});

/** Types are checked by the compiler. */
const anything: unknown = new Proxy(() => {}, { get: () => anything, apply: () => anything });
export const expectTypeOf = (): unknown => anything;

function suite(name: string, body: Body): void {
  const outer = current;
  current = { name: `${outer.name}${name} > `, parent: outer, before: [], after: [] };
  body();
  current = outer;
}

function test(name: string, first: unknown, second?: unknown): void {
  const body = (typeof first === "function" ? first : second) as Body;
  const full = `${current.name}${name}`;
  const same = tests.filter((other) => other.name.replace(/ #\d+$/, "") === full).length;
  tests.push({ name: same === 0 ? full : `${full} #${same}`, suite: current, body });
}

function each(make: (name: string, body: Body) => void) {
  return (rows: readonly unknown[]) => (name: string, body: (...args: unknown[]) => unknown) => {
    rows.forEach((row, i) => {
      make(`${name} (${i})`, () => body(...(Array.isArray(row) ? row : [row])));
    });
  };
}

function skipIf(make: (name: string, body: Body) => void) {
  return (isSkipped: boolean) => (isSkipped ? () => {} : make);
}

export const describe = Object.assign(suite, {
  each: each(suite),
  skipIf: skipIf(suite),
  skip() {},
});
export const it = Object.assign(test, {
  each: each(test as never),
  skipIf: skipIf(test as never),
  runIf: (isRun: boolean) => (isRun ? test : () => {}),
  skip() {},
});
export { it as test };

export const beforeEach = (body: Body): void => void current.before.push(body);
export const afterEach = (body: Body): void => void current.after.push(body);
export const beforeAll = (body: Body): void => {
  let done: unknown;
  let isDone = false;
  current.before.push(() => {
    if (!isDone) done = body();
    isDone = true;
    return done;
  });
};
export const afterAll = (): void => {};

const stubbed = new Map<string, PropertyDescriptor | undefined>();
const stubbedEnvs = new Map<string, string | undefined>();

function setEnv(name: string, value: string | undefined): void {
  if (value === undefined) Reflect.deleteProperty(process.env, name);
  else process.env[name] = value;
}

export const vi = {
  fn,
  spyOn,
  restoreAllMocks,
  setConfig() {},
  stubGlobal(name: string, value: unknown): void {
    if (!stubbed.has(name)) {
      stubbed.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
    }
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  },
  stubEnv(name: string, value: string | undefined): void {
    if (!stubbedEnvs.has(name)) stubbedEnvs.set(name, process.env[name]);
    setEnv(name, value);
  },
  unstubAllEnvs(): void {
    for (const [name, value] of stubbedEnvs) setEnv(name, value);
    stubbedEnvs.clear();
  },
  unstubAllGlobals(): void {
    for (const [name, before] of stubbed) {
      if (before === undefined) Reflect.deleteProperty(globalThis, name);
      else Object.defineProperty(globalThis, name, before);
    }
    stubbed.clear();
  },
};

function chainOf({ suite }: Test): readonly Suite[] {
  const chain: Suite[] = [];
  for (let at: Suite | undefined = suite; at !== undefined; at = at.parent) chain.unshift(at);
  return chain;
}

/** Runs one test. Throws what it throws. */
export async function run(one: Test): Promise<void> {
  const chain = chainOf(one);
  try {
    for (const { before } of chain) for (const body of before) await body();
    await one.body();
  } finally {
    for (const { after } of [...chain].reverse()) for (const body of after) await body();
  }
}
