// npm run mutants: see main.ts.
import { runBundled } from "../support/run-bundled.mjs";

await runBundled("mutants", new URL("main.ts", import.meta.url));
