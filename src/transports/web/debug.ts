/*
 * The printer of `FRAMEWRIGHT_DEBUG`. Browsers have no such variable, so `browser` in package.json leaves this
 * file out of their bundles.
 */
// biome-ignore lint/plugin: this file itself is loaded with import()
export { textTrace } from "../../inspect/index.ts";
