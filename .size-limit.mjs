import { entries } from "./scripts/entries.mjs";

const shared = { gzip: true, ignore: ["fast-check"] };

export default entries.flatMap(({ name, file, limit, imports = {} }) => {
  const path = `dist/${file}.js`;
  const whole = limit === undefined ? [] : [{ name: `${name}, all`, path, limit, ...shared }];
  const parts = Object.entries(imports).map(([names, most]) => {
    return { name: `${name}, ${names}`, path, import: names, limit: most, ...shared };
  });
  return [...whole, ...parts];
});
