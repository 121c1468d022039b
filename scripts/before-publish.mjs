// What only a release needs, checked by `npm publish` before anything else.
import { readFileSync } from "node:fs";

const read = (path) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const manifest = JSON.parse(read("package.json"));
const faults = [];

for (const member of ["homepage", "repository", "bugs"]) {
  if (manifest[member].includes("OWNER")) faults.push(`package.json: ${member} still says OWNER`);
}
const [, version, rest] = /^## \[(.+?)\](.*)$/m.exec(read("CHANGELOG.md"));
if (version !== manifest.version || !/^ - \d{4}-\d{2}-\d{2}$/.test(rest)) {
  faults.push(
    `CHANGELOG.md: the newest section must be "## [${manifest.version}] - " and a date, not "## [${version}]${rest}"`,
  );
}

for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
