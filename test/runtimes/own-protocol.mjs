// The packed command with a protocol of the user's own in TypeScript, in a project without tsx and esbuild: Node loads it, or a
// line says what to do.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const MINE = `import { protocolOf, struct, u8, utf8, type StructOut } from "framewright/fields";
import type { Protocol } from "framewright";
import { limit } from "./limit.ts";

interface Named { readonly name: string }
const fields = struct({ id: u8, name: utf8(u8) });
type Player = StructOut<typeof fields>;
const named: Named = { name: "players" };
export const players: Protocol<Player> = protocolOf(fields, { ...named, maxFrame: limit as number });
export const names = <T extends Named>(...all: readonly T[]): string[] => all.map(({ name }) => name);
`;

/** Runs a program to its end, whichever that is. */
const outcome = ([command, ...args], cwd) =>
  new Promise((resolve) => {
    execFile(command, args, { cwd, timeout: 180_000 }, (error, out, errors) =>
      resolve({ code: error === null ? 0 : error.code, out, errors }),
    );
  });

function expectSame(found, expected) {
  const [left, right] = [found, expected].map((value) => JSON.stringify(value));
  if (left !== right) throw new Error(`${left}, not ${right}`);
}

/**
 * The checks by their names.
 *
 * @param work - the folder with the package
 * @param nodes - commands by the names of the runtimes
 */
export function ownProtocols({ work, nodes }) {
  const folder = join(work, "own");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "limit.ts"), "export const limit: number = 99;\n");
  writeFileSync(join(folder, "mine.ts"), MINE);
  writeFileSync(join(folder, "frames"), Uint8Array.of(7, 2, 104, 105, 8, 0));
  const near = createRequire(join(folder, "mine.ts"));
  const home = join(work, "node_modules/framewright");
  const { bin } = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
  const args = [join(home, bin.framewright), "decode", "frames", "--json"];

  const checks = {};
  for (const [name, node] of Object.entries(nodes)) {
    checks[`${name}: framewright decode --protocol ./mine.ts#players`] = async () => {
      for (const tool of ["tsx", "esbuild"]) {
        try {
          near.resolve(tool);
        } catch {
          continue;
        }
        throw new Error(`${tool} is installed`);
      }
      const found = await outcome([...node, ...args, "--protocol", "./mine.ts#players"], folder);
      const readsTypes = await outcome([...node, "-p", "'typescript' in process.features"], folder);
      // Node 20, and the first versions of Node 22.
      if (readsTypes.out.trim() === "false") {
        if (/^node \d\d$/.test(name)) throw new Error("it reads no TypeScript");
        const line =
          /^framewright: Node [\d.]+ cannot load .*mine\.ts: use Node 22\.18 or newer, or install tsx or esbuild in its project\n$/;
        if (!line.test(found.errors)) throw new Error(found.errors);
        expectSame({ code: found.code, out: found.out }, { code: 2, out: "" });
        return "refused";
      }
      if (found.code !== 0) throw new Error(found.errors);
      // Node may warn that types are an experiment.
      const messages = found.out.trimEnd().split("\n");
      expectSame(
        messages.map((text) => JSON.parse(text)),
        [
          { offset: 0, size: 4, value: { id: 7, name: "hi" } },
          { offset: 4, size: 2, value: { id: 8, name: "" } },
        ],
      );
      const none = await outcome([...node, ...args, "--protocol", "./mine.ts#none"], folder);
      if (
        none.code !== 2 ||
        !/none of .*mine\.ts is not a protocol; it exports players\n$/.test(none.errors)
      ) {
        throw new Error(`ends with ${none.code}: ${none.errors}`);
      }
      return "loaded";
    };
  }
  return checks;
}
