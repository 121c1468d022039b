// A page and two routes of Next.js, one of them on its edge runtime, built and asked.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

const route = (runtime) => `import "../../smoke.mjs";
export const runtime = "${runtime}";
export const dynamic = "force-dynamic";
export const GET = () => new Response(globalThis.smoke);
`;

/** What the routes answer, in the order of their names. */
export async function throughNext({ work, print }) {
  const app = join(work, "next");
  const write = (file, text) => {
    mkdirSync(dirname(join(app, file)), { recursive: true });
    writeFileSync(join(app, file), text);
  };
  mkdirSync(join(app, "node_modules"), { recursive: true });
  for (const name of ["next", "react", "react-dom"]) {
    symlinkSync(dirname(require.resolve(`${name}/package.json`)), join(app, "node_modules", name));
  }
  symlinkSync(join(work, "node_modules/framewright"), join(app, "node_modules/framewright"));
  write("package.json", '{ "private": true }');
  write("app/smoke.mjs", readFileSync(join(work, "smoke.mjs"), "utf8"));
  write("next.config.mjs", "export default { eslint: { ignoreDuringBuilds: true } };");
  write("app/layout.jsx", "export default ({ children }) => <html><body>{children}</body></html>;");
  write(
    "app/page.jsx",
    '"use client";\nimport "./smoke.mjs";\nexport default () => <p>{globalThis.smoke}</p>;',
  );
  write("app/api/edge/route.js", route("edge"));
  write("app/api/node/route.js", route("nodejs"));
  const bin = join(dirname(require.resolve("next/package.json")), "dist/bin/next");
  await print([process.execPath, bin, "build", "--webpack", app]);
  const port = 20_000 + (process.pid % 20_000);
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
  const server = spawn(process.execPath, [bin, "start", app, "-p", String(port)], { env });
  try {
    await new Promise((resolve, reject) => {
      server.stdout.on("data", (text) => String(text).includes("Ready") && resolve());
      server.once("exit", (code) => reject(new Error(`next ended with ${code}`)));
    });
    const answers = await Promise.all(
      ["/", "/api/edge", "/api/node"].map(async (path) => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`);
        return response.text();
      }),
    );
    const [page, ...routes] = answers;
    if (!page.includes("<p>ok</p>") || routes.join() !== "ok,ok") throw new Error(answers.join());
  } finally {
    server.kill();
  }
  return "";
}
