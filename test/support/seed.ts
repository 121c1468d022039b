import { configureGlobal, readConfigureGlobal } from "fast-check";

// All properties of a run start from one seed, so that a run of the tests can be repeated. Another seed looks
// elsewhere: TEST_SEED=$RANDOM npm test
const environment = typeof process === "undefined" ? {} : process.env;
configureGlobal({ seed: Number(environment.TEST_SEED ?? 20_261_121), ...readConfigureGlobal() });
