export { makeFraming } from "./wrap.ts";
