import { type DefaultTheme, defineConfig } from "vitepress";
import { checkLinks } from "./check-links.ts";
import { included, pageOfFile } from "./examples.ts";
import { referencePages } from "./reference.mjs";

// The site: the pages of docs in reading order, the reference that TypeDoc writes, and the inspector.

type LocalSearchRender = DefaultTheme.LocalSearchOptions["_render"];

const repository = "https://github.com/OWNER/framewright";
const inspector = { text: "Inspector", link: "/inspector/", target: "_self" };

const pages = (
  text: string,
  links: Readonly<Record<string, string>>,
): DefaultTheme.SidebarItem => ({
  text,
  collapsed: false,
  items: Object.entries(links).map(([title, link]) => ({ text: title, link })),
});

const seeTheWire = pages("See the wire", {
  Debugging: "/debugging",
  "Look at bytes": "/look-at-bytes",
});

const guide: DefaultTheme.SidebarItem[] = [
  pages("Start", {
    "What it is": "/",
    "From description to tested server": "/tutorial",
    "Choose a framing": "/framings",
  }),
  pages("Descriptions", {
    "Describe a format": "/fields",
    "Descriptions by need": "/fields-by-need",
    "Beside other libraries": "/fields-compared",
    "Write the functions by hand": "/your-own-protocol",
  }),
  pages("Protocols", {
    goim: "/goim",
    "Talk to a goim server": "/goim-server",
    "Bilibili live chat": "/bilibili",
    fastway: "/fastway",
    Workerman: "/workerman",
    sproto: "/sproto",
    protobuf: "/protobuf",
    skynet: "/skynet",
  }),
  pages("Connections and transports", {
    Connections: "/connections",
    Sessions: "/sessions",
    "Compare transports": "/transports/",
    "TCP, TLS, serial ports": "/transports/node",
    WebSocket: "/transports/websocket",
    "Web streams": "/transports/streams",
    UDP: "/transports/udp",
    Bun: "/transports/bun",
    Deno: "/transports/deno",
    "Cloudflare Workers": "/transports/cloudflare",
  }),
  pages("Test", { "Test a protocol": "/testing" }),
  { ...seeTheWire, items: [...(seeTheWire.items ?? []), inspector] },
  pages("Cookbook", {
    Recipes: "/cookbook",
    Examples: "/examples",
    "Move from another library": "/migration/",
    "Buffer.concat loops": "/migration/buffer-concat",
    "split2 and readline": "/migration/lines",
    "length-prefixed-stream": "/migration/length-prefixed-stream",
    "it-length-prefixed": "/migration/it-length-prefixed",
    serialport: "/migration/serialport",
    protobufjs: "/migration/protobufjs",
  }),
  pages("Help", { Troubleshooting: "/troubleshooting", "Errors and limits": "/errors-and-limits" }),
  pages("Security", {
    "A server on the public internet": "/public-server",
    "Report a vulnerability": "/security",
  }),
  pages("The project", {
    "Versions and support": "/versions",
    Performance: "/performance",
    Reliability: "/reliability",
    Changelog: "/changelog",
  }),
  pages("Reference", { "All entry points": "/reference/" }),
];

/** GitHub's anchors, so that one link works in the repository and on the site. */
const slugify = (title: string): string =>
  title
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "")
    .replaceAll(" ", "-");

/** A page for the search: without coloured code, and with one entry for each name of the reference. */
function searchable(...[source, env, md]: Parameters<NonNullable<LocalSearchRender>>): string {
  const { highlight } = md.options;
  md.set({ highlight: null });
  try {
    const html = md.render(source, env);
    if (!env.relativePath.startsWith("reference/")) return html;
    // Without what another page describes, too.
    return html.replace(/<h2 id="references"[\s\S]*/, "").replace(/<(h[4-6])\b.*?<\/\1>/g, "");
  } finally {
    md.set({ highlight: highlight ?? null });
  }
}

export default defineConfig({
  title: "framewright",
  description: "Describe a binary or line protocol once, then speak it, test it and see its bytes.",
  lang: "en",
  cleanUrls: true,
  rewrites: { ":folder/README.md": ":folder/index.md" },
  head: [
    [
      "link",
      {
        rel: "icon",
        href: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path d='M5 2H2v12h3M11 2h3v12h-3M5 8h6' fill='none' stroke='%233e63dd' stroke-width='2'/></svg>",
      },
    ],
  ],
  markdown: {
    anchor: { slugify },
    config(md) {
      // Links to examples lead to their pages, and those to other files outside docs to the repository. A
      // README.md is the index of its folder.
      md.core.ruler.push("repository-links", ({ env, tokens }) => {
        const page = (env as { readonly relativePath?: string }).relativePath ?? "";
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const href = token.type === "link_open" ? token.attrGet("href") : null;
          if (href === null || /^(?:[a-z]+:|#|\/)/.test(href)) continue;
          const { hash, pathname } = new URL(
            href,
            `https://site${included[page] ?? `/docs/${page}`}`,
          );
          const own = pageOfFile(pathname);
          if (own !== undefined) {
            token.attrSet("href", own);
          } else if (pathname.startsWith("/docs/")) {
            token.attrSet("href", href.replace(/(^|\/)README\.md(?=#|$)/, "$1index.md"));
          } else {
            token.attrSet("href", `${repository}/blob/main${pathname}${hash}`);
          }
        }
      });
    },
  },
  // The index for the search is large; it is loaded when a search begins.
  vite: { build: { chunkSizeWarningLimit: 4000 } },
  buildEnd: ({ outDir, site }) => checkLinks(outDir, site.base),
  themeConfig: {
    search: {
      provider: "local",
      options: {
        _render: searchable,
        miniSearch: {
          // The site gets this function as text. Guides come before the reference.
          searchOptions: { boostDocument: (id: string) => (id.includes("/reference/") ? 0.4 : 1) },
        },
      },
    },
    nav: [
      { text: "Guide", link: "/tutorial", activeMatch: "^/(?!reference/)" },
      { text: "Reference", link: "/reference/", activeMatch: "^/reference/" },
      inspector,
    ],
    sidebar: {
      "/": guide,
      "/reference/": [{ text: "Reference", link: "/reference/", items: referencePages }],
    },
    outline: [2, 3],
    socialLinks: [{ icon: "github", link: repository }],
  },
});
