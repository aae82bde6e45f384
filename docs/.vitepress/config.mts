import { cpSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { defineConfig } from "vitepress";

const docs = resolve(import.meta.dirname, "..");
const root = dirname(docs);

/** Path under which a host serves the site: `DOCS_BASE=/agent-dag/ npm run docs:site`. */
const base = process.env.DOCS_BASE ?? "/";

/** The pages in the order of reading. A page that is in no group fails the build. */
const groups: Readonly<Record<string, readonly string[]>> = {
  Start: ["index", "why", "offline-model"],
  Declare: ["composing-layers", "topologies", "from-langgraph", "conversations"],
  Run: ["batch", "cost", "failures", "stores", "providers"],
  "See and test": ["seeing", "testing"],
  Serve: ["serving", "tracing"],
  Reference: ["errors", "architecture"],
};
const listed = Object.values(groups).flat();
const unlisted = readdirSync(docs).filter(
  (name) => name.endsWith(".md") && !listed.includes(name.slice(0, -".md".length)),
);
if (unlisted.length > 0) throw new Error(`In no group of docs/.vitepress/config.mts: ${unlisted.join(", ")}`);

/** A page's own heading. */
const titleOf = (page: string): string =>
  /^# (.+)$/m.exec(readFileSync(join(docs, `${page}.md`), "utf8"))?.[1] ?? page;

/** Files outside `docs` that pages link to, as paths from the repository's root: copied into the site. */
const linked = new Set<string>();

export default defineConfig({
  title: "agent-dag",
  description: "Declare agents and what each one needs; run the same declaration in any topology.",
  base,
  outDir: join(docs, ".vitepress", "dist"),
  cacheDir: join(docs, ".vitepress", "cache"),
  lastUpdated: false,
  // Without it a browser asks for /favicon.ico, which is not there.
  head: [["link", { rel: "icon", href: "data:," }]],
  metaChunk: true,
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    sidebar: [
      ...Object.entries(groups).map(([text, pages]) => ({
        text,
        items: pages.map((page) => ({
          text: titleOf(page),
          link: page === "index" ? "/" : `/${page}`,
        })),
      })),
      {
        text: "API",
        items: [
          { text: "agent-dag", link: "/api/index/" },
          { text: "agent-dag/testing", link: "/api/testing/" },
          { text: "agent-dag/jest", link: "/api/jest/" },
          { text: "agent-dag/serve", link: "/api/serve/" },
          { text: "agent-dag/otel", link: "/api/telemetry/otel/" },
        ],
      },
    ],
  },
  markdown: {
    config(md) {
      // `../examples/x.ts` is right on disk. The site's root is `docs`: there the file lies at `/examples/x.ts`.
      md.core.ruler.push("files-outside-docs", (state) => {
        for (const token of state.tokens.flatMap(({ children }) => children ?? [])) {
          const href = token.attrGet("href");
          if (href === null || !href.startsWith("../")) continue;
          const page = join(docs, dirname(String(state.env.relativePath)));
          const [path = "", hash] = href.split("#");
          const file = resolve(page, path);
          if (!relative(docs, file).startsWith("..")) continue;
          const name = relative(root, file).split(sep).join("/");
          if (!existsSync(file) || !statSync(file).isFile())
            throw new Error(`${state.env.relativePath} links to ${href}, and there is no such file.`);
          linked.add(name);
          token.attrSet("href", `${base}${name}${hash === undefined ? "" : `#${hash}`}`);
          token.attrSet("target", "_self"); // a file of its own, no page of the site
        }
      });
    },
  },
  buildEnd({ outDir }) {
    for (const name of linked) cpSync(join(root, name), join(outDir, name));
  },
});
