/*
 * What `FRAMEWRIGHT_DEBUG` prints with, in a file of its own: browsers have no such variable, and `browser` in
 * package.json leaves the file out of bundles for them.
 */
// biome-ignore lint/plugin: this file itself is loaded with import()
export { textTrace } from "../../inspect/index.ts";
