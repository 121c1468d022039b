import { entries } from "./scripts/entries.mjs";

// Transports load `inspect` only when FRAMEWRIGHT_DEBUG asks for it, so bundlers keep it apart.
const isLazy = (file) => ["bun", "node", "web"].includes(file);
const shared = { gzip: true, ignore: ["fast-check"] };

export default entries.flatMap(({ name, file, limit, imports = {} }) => {
  const path = `dist/${file}.js`;
  const modifyEsbuildConfig = isLazy(file)
    ? (config) => ({ ...config, external: [...(config.external ?? []), "./inspect.js"] })
    : undefined;
  const measured = { ...shared, modifyEsbuildConfig };
  const whole = limit === undefined ? [] : [{ name: `${name}, all`, path, limit, ...measured }];
  const parts = Object.entries(imports).map(([names, most]) => {
    return { name: `${name}, ${names}`, path, import: names, limit: most, ...measured };
  });
  return [...whole, ...parts];
});
