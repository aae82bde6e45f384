import { render } from "preact";
import type { PageData } from "../report/page-model.js";
import { App, type AppProps } from "./app.js";
import { followRun } from "./live.js";
import { besidePage } from "./text.js";
import { html } from "./view.js";

const root = document.getElementById("app");
const block = document.getElementById("data");

if (root !== null && block !== null) {
  root.textContent = "";
  const data = unpacked(block.textContent ?? "");
  const draw = (props: AppProps) => render(html`<${App} ...${props} />`, root);
  if (document.body.dataset.live === "true") {
    const answer = async (
      answers: Readonly<Record<string, unknown>>,
      run: string,
    ): Promise<string | null> => {
      const reply = await fetch(`${besidePage(location.pathname, "answer")}?run=${encodeURIComponent(run)}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(answers),
      });
      if (reply.ok) return null;
      // A problem (RFC 9457) where a service shows the page.
      const told = (await reply.json()) as { message?: string; detail?: string };
      return told.detail ?? told.message ?? `It was answered with status ${reply.status}.`;
    };
    followRun(data, (shown, live, connection) => draw({ data: shown, live, connection, answer }));
  } else {
    draw({ data, live: new Map(), connection: "", answer: null });
  }
}

/** The data as it was before long texts were put into a list of their own. */
function unpacked(text: string): PageData {
  const { texts, data } = JSON.parse(text) as { texts: readonly string[]; data: unknown };
  return JSON.parse(JSON.stringify(data), (_key, value: unknown) =>
    typeof value === "string" && value.startsWith("\u0001") ? (texts[Number(value.slice(1))] ?? "") : value,
  ) as PageData;
}
