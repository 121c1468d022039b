// The reference: one Markdown page for each entry point, which the site renders with the other pages.

import { fileURLToPath } from "node:url";
import { Converter, ReflectionKind } from "typedoc";
import { ModuleRouter } from "typedoc-plugin-markdown";
import { entries } from "../../scripts/entries.mjs";
import { pageOf } from "./reference.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Puts all pages into one folder, named after the last part of what programs import. */
class EntryRouter extends ModuleRouter {
  getIdealBaseName(reflection) {
    const isModule = reflection.kind === ReflectionKind.Module;
    return isModule ? pageOf(reflection.name) : super.getIdealBaseName(reflection);
  }
}

/** Names each module as programs import it: `framewright/node`, not `transports/node`. */
function importNames(app) {
  app.renderer.defineRouter("entry", EntryRouter);
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      const { name } = entries.find(({ source }) =>
        [`src/${module.name}/index.ts`, `src/${module.name}.ts`].includes(source),
      );
      module.name = name;
    }
  });
}

/** @type {Partial<import("typedoc").TypeDocOptions> & Record<string, unknown>} */
export default {
  name: "Reference",
  entryPoints: entries.map(({ source }) => `${root}${source}`),
  tsconfig: `${root}tsconfig.build.json`,
  plugin: ["typedoc-plugin-markdown", importNames],
  router: "entry",
  out: `${root}docs/reference`,
  entryFileName: "index",
  // `npm run typecheck` finds errors.
  skipErrorChecking: true,
  readme: "none",
  sortEntryPoints: false,
  groupOrder: ["Functions", "Classes", "Variables", "Interfaces", "Type Aliases"],
  excludeInternal: true,
  excludePrivate: true,
  excludeProtected: true,
  disableSources: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCustomAnchors: true,
  useCodeBlocks: true,
  expandParameters: true,
  expandObjects: true,
  parametersFormat: "table",
  interfacePropertiesFormat: "table",
  typeDeclarationFormat: "table",
  blockTagsPreserveOrder: ["@example"],
  // Steps on the way to a type, of which users see the result.
  intentionallyNotExported: [
    "src/fields/struct-types.ts:MatchKeys",
    "src/fields/struct-types.ts:PlainIn",
    "src/fields/struct-types.ts:MatchIn",
    "src/fields/struct-types.ts:PlainOut",
    "src/fields/struct-types.ts:MatchOut",
    "src/fields/plan.ts:StepKind",
    "src/core/stream-hint.ts:ADD_CODEC",
    "src/core/stream-hint.ts:ADD_FRAMING",
    "src/protocols/sproto/infer.ts:Parsed",
    "src/protocols/sproto/infer.ts:Meaning",
  ],
  treatWarningsAsErrors: true,
};
