// npm run fuzz: see main.ts.
import { runBundled } from "../support/run-bundled.mjs";

await runBundled("fuzz", new URL("main.ts", import.meta.url));
