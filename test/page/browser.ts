import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";

const playwright = createRequire(import.meta.url)("playwright-core") as typeof import("playwright-core");

/** Debian's Chromium. */
export function launch(): Promise<Browser> {
  return playwright.chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu"],
  });
}

/** A page with what went wrong on it, and what it asked the network for. */
export interface OpenedPage {
  readonly page: Page;
  readonly errors: string[];
  readonly requests: string[];
}

/** Opens a report from a file, as a person would. */
export async function openReport(
  browser: Browser,
  html: string,
  {
    theme = "light",
    width = 1280,
    hash = "",
  }: { theme?: "light" | "dark"; width?: number; hash?: string } = {},
): Promise<OpenedPage> {
  const folder = mkdtempSync(join(tmpdir(), "agent-dag-page-"));
  const file = join(folder, "report.html");
  writeFileSync(file, html);
  const page = await browser.newPage({ colorScheme: theme, viewport: { width, height: 900 } });
  const opened = watch(page);
  await page.goto(`${pathToFileURL(file).href}${hash}`);
  page.once("close", () => rmSync(folder, { recursive: true, force: true }));
  return opened;
}

/** Notes errors, refusals of the page's policy, dialogs and requests. */
export function watch(page: Page): OpenedPage {
  const errors: string[] = [];
  const requests: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("dialog", (dialog) => {
    errors.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().endsWith("/report.html")) requests.push(request.url());
  });
  return { page, errors, requests };
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeViolation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe-core finds wrong with the page as it stands, each as a line. */
export async function axeViolations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } };
    return (await axe.run()).violations;
  });
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`)
        .slice(0, 2)
        .join(" | ")}`,
  );
}
