type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * An element. Children that are text stay text, whatever is in it: nothing on this page is ever read as HTML.
 *
 * @param attributes - those that are false or undefined are left out
 */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/** An element of the page. */
export function byId<T extends HTMLElement>(id: string, type: abstract new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new TypeError(`no ${type.name} #${id}`);
}

/** A list of choices: values, and what is shown for them. */
export function options(choices: Iterable<readonly [value: string, label: string]>): Node[] {
  return Array.from(choices, ([value, label]) => el("option", { value }, label));
}

/** Calls once, when the calls have stopped for a while. */
export function debounced(ms: number, run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(run, ms);
  };
}
