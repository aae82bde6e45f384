import { type ComparedRun, type Comparison, relate } from "../compare/compare.js";
import type { DagProjection, RunEvent } from "../records/events.js";
import type { Prices } from "../records/price.js";
import type { RunRecord } from "../records/record.js";
import { type LiveRun, liveRun } from "./live-run.js";
import type { PageComparison, PageData, PageFigures } from "./page-model.js";
import { comparisonOf, renderReport, reportData } from "./report.js";
import { type ServedPage, type ServedPageOptions, servePage } from "./served-page.js";

/** What a comparison's page is served with. */
export interface ComparisonPageOptions extends ServedPageOptions {
  /** The spec, as its records show it. */
  readonly dag: DagProjection;
  readonly input: unknown;
  /** Whether prompts, answers and values are on the page and in the file. @default true */
  readonly texts?: boolean;
  /** Prices of models that the price table does not know, for what the page predicts. @default none */
  readonly prices?: Prices;
}

/** A page that shows topologies side by side while they run. */
export interface ComparisonPage extends Pick<ServedPage, "respond" | "close"> {
  /** Fits `onRunEvent` of `compare`. */
  onRunEvent(event: RunEvent, run: ComparedRun): void;
  /** Shows what came of it. */
  end(comparison: Comparison): void;
}

/** One topology: its run under way, or its last one, and the records of those that have ended. */
interface Side {
  readonly live: LiveRun;
  readonly records: (RunRecord | undefined)[];
}

/** A comparison's page that nobody watches yet. */
export function createComparisonPage(options: ComparisonPageOptions): ComparisonPage {
  const { dag, input, texts = true, prices, ...serving } = options;
  const shownWith = { texts, ...(prices !== undefined && { prices }) };
  const sides = new Map<string, Side>();
  let whole: Comparison | null = null;

  /** What has ended so far; `null` before anything has. */
  const ended = (): Comparison | null => {
    if (whole !== null) return whole;
    const runs = [...sides].flatMap(([topology, { records }]) => {
      const own = records.filter((record) => record !== undefined);
      return own.length === 0 ? [] : [{ topology, runs: own }];
    });
    return runs.length === 0 ? null : relate(dag, input, runs);
  };
  const shown = (): PageComparison => {
    const labels = [...sides.keys()];
    const so = ended();
    const done = so === null ? null : comparisonOf(so, (_record, label) => labels.indexOf(label));
    return {
      advice: done?.advice ?? "",
      agreement: done?.agreement ?? [],
      topologies: labels.map(
        (label, run) =>
          done?.topologies.find(({ topology }) => topology === label) ?? openFigures(label, run),
      ),
    };
  };
  const data = (): PageData => {
    if (whole !== null) return reportData(whole, shownWith);
    const lives = [...sides.values()].map(({ live }) => live);
    return {
      version: 1,
      title: `${dag.name} · comparison`,
      runs: lives.flatMap((live) => live.run() ?? []),
      graphs: lives[0]?.graphs() ?? {},
      compare: shown(),
      diff: null,
      noTexts: !texts,
    };
  };
  const report = () => {
    const so = ended();
    return so === null ? null : renderReport(so, shownWith);
  };
  const page = servePage({ data, report }, serving);

  return {
    onRunEvent(event, { topology, repeat }) {
      const side = sides.get(topology) ?? {
        live: liveRun({ label: topology, noTexts: !texts }),
        records: [],
      };
      sides.set(topology, side);
      const change = side.live.add(event);
      if (change === "begun") return page.tell({ data: data() });
      const id = side.live.run()?.id;
      if (change === null || id === undefined) return;
      // A run that waits for an answer has not ended: the comparison's end tells where it was left so.
      if (event.type !== "run-ended" || event.state === "interrupted")
        return page.tell({ runs: { [id]: change } });
      side.records[repeat] = side.live.record() ?? undefined;
      page.tell({ runs: { [id]: change }, compare: shown() });
    },
    end(comparison) {
      whole = comparison;
      page.tell({ data: data() });
    },
    respond: page.respond,
    close: page.close,
  };
}

/** A topology of which no run has ended. */
function openFigures(topology: string, run: number): PageFigures {
  return {
    topology,
    wallMs: 0,
    minMs: 0,
    maxMs: 0,
    criticalPathMs: 0,
    modelCalls: 0,
    inputTokens: 0,
    outputTokens: 0,
    costUsd: null,
    failures: 0,
    run,
    open: true,
  };
}
