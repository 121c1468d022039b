// Where the pages of the reference are: one for each entry point.

import { entries } from "../../scripts/entries.mjs";

/** The page of an entry point in `docs/reference`: `fields-compiled` for `framewright/fields/compiled`. */
export const pageOf = (name) => name.replace("framewright/", "").replaceAll("/", "-");

/** The pages in the order of entries.json, for the sidebar. */
export const referencePages = entries.map(({ name }) => ({
  text: name,
  link: `/reference/${pageOf(name)}`,
}));
