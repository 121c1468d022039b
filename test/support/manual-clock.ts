export { ManualClock } from "../../src/testing/sessions/manual-clock.ts";
