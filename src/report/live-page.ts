import type { RunEvent } from "../records/events.js";
import type { Prices } from "../records/price.js";
import type { RunRecord } from "../records/record.js";
import { liveRun } from "./live-run.js";
import type { PageData, PageRun } from "./page-model.js";
import { pageWhatIf } from "./page-what-if.js";
import { renderReport } from "./report.js";
import { type ServedPage, type ServedPageOptions, servePage } from "./served-page.js";

/** What a live page is served with. */
export interface LivePageOptions extends ServedPageOptions {
  /** The command that reproduces the run. @default none */
  readonly command?: string;
  /** Whether prompts, answers and values are on the page and in the file. @default true */
  readonly texts?: boolean;
  /** Prices of models that the price table does not know, for what the page predicts. @default none */
  readonly prices?: Prices;
}

/** A page that shows a run while it happens, for any server that speaks in `Request` and `Response`. */
export interface LivePage extends Pick<ServedPage, "respond" | "close"> {
  /** Takes an event of the run; fits `onEvent` of `run`. */
  onEvent(event: RunEvent): void;
}

/** A live page of one run that nobody watches yet. */
export function createLivePage({
  command,
  texts = true,
  prices,
  ...options
}: LivePageOptions = {}): LivePage {
  const shown = {
    ...(command !== undefined && { command }),
    ...(prices !== undefined && { prices }),
  };
  const live = liveRun({ ...(command !== undefined && { command }), noTexts: !texts });
  /** What the run is predicted from once it has ended. */
  let whatIf: Partial<PageRun> = {};
  const data = (): PageData => {
    const run = live.run();
    return {
      version: 1,
      title: run?.label ?? "agent-dag",
      runs: run === null ? [] : [{ ...run, ...whatIf }],
      graphs: live.graphs(),
      compare: null,
      diff: null,
      noTexts: !texts,
    };
  };
  const report = () => {
    const record = live.record();
    return record === null ? null : renderReport(record, { ...shown, texts });
  };
  const page = servePage({ data, report }, options);
  let id = "";
  return {
    onEvent(event) {
      if (event.type === "run-started") id = event.id;
      const change = live.add(event);
      if (change === "begun") {
        whatIf = {};
        page.tell({ data: data() });
      } else if (change !== null) {
        if (event.type === "run-ended") whatIf = predictable(live.record(), prices);
        page.tell({ runs: { [id]: { ...change, run: { ...change.run, ...whatIf } } } });
      }
    },
    respond: page.respond,
    close: page.close,
  };
}

function predictable(record: RunRecord | null, prices: Prices | undefined): Partial<PageRun> {
  const whatIf = record === null ? null : pageWhatIf(record, prices);
  return whatIf === null ? {} : { whatIf };
}
