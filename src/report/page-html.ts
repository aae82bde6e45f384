import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DagError } from "../errors.js";
import type { PageData } from "./page-model.js";

/** The page's script and style, as they were built. */
interface Bundle {
  readonly script: string;
  readonly style: string;
}

let bundle: Bundle | undefined;

/** Shortest text that is kept once for all places that have it, in characters. */
const shortestShared = 64;

/** A string that starts with it stands for a shared text: its number follows. */
export const sharedMark = "\u0001";

/**
 * The data as JSON that can stand in a page: each long text once, and no character that ends a script element.
 */
export function packData(data: PageData): string {
  const numbers = new Map<string, number>();
  const body = JSON.stringify(data, (_key, value: unknown) => {
    if (typeof value !== "string") return value;
    if (value.length < shortestShared && !value.startsWith(sharedMark)) return value;
    const number = numbers.get(value) ?? numbers.size;
    numbers.set(value, number);
    return `${sharedMark}${number}`;
  });
  const packed = `{"texts":${JSON.stringify([...numbers.keys()])},"data":${body}}`;
  return packed.replace(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What a page is made of besides its data. */
export interface PageOptions {
  readonly title: string;
  /** Whether it listens to the server that it came from. */
  readonly live: boolean;
}

/** One HTML file: style, script and data in it, and a policy that lets nothing else run or load. */
export function pageHtml(data: PageData, { title, live }: PageOptions): string {
  bundle ??= loadBundle();
  const { script, style } = bundle;
  const policy = [
    "default-src 'none'",
    `script-src '${hashSource(script)}'`,
    `style-src '${hashSource(style)}'`,
    ...(live ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body${live ? ' data-live="true"' : ""}>
<div id="app"><noscript>This report needs JavaScript, which is in the file itself.</noscript></div>
<script type="application/json" id="data">${packData(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}

function hashSource(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** The bundle beside this file; from the sources, the one in `dist`, built where it is missing or older than they are. */
function loadBundle(): Bundle {
  const beside = fileURLToPath(new URL("../page/", import.meta.url));
  const isSource = existsSync(`${beside}main.ts`);
  const folder = isSource ? fileURLToPath(new URL("../../dist/src/page/", import.meta.url)) : beside;
  if (isSource && isStale(beside, `${folder}page.js`)) {
    const build = fileURLToPath(new URL("../../scripts/build-page.mjs", import.meta.url));
    execFileSync(process.execPath, [build], { stdio: "pipe" });
  }
  try {
    return {
      script: readFileSync(`${folder}page.js`, "utf8"),
      style: readFileSync(`${folder}page.css`, "utf8"),
    };
  } catch (cause) {
    throw new DagError("PAGE_MISSING", `The report's page is missing in ${folder}.`, {
      cause,
      hint: "Build the package (`npm run build`), or install it again.",
    });
  }
}

function isStale(sources: string, built: string): boolean {
  if (!existsSync(built)) return true;
  const builtAt = statSync(built).mtimeMs;
  return readdirSync(sources).some((name) => statSync(sources + name).mtimeMs > builtAt);
}
