/*
 * What `FRAMEWRIGHT_DEBUG` prints with, in a file of its own: browsers have no such variable, and `browser` in
 * package.json leaves the file out of bundles for them.
 */
export { textTrace } from "../../inspect/index.ts";
