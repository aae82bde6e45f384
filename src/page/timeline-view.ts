import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { openAtFirst, type RunIndex, type ShownRow, unfoldedRows } from "./index-run.js";
import { cost, costOf, counted, mark, progressOf, shown, time, tokens, tone } from "./text.js";
import { Bars, placed, type Span, waitsFor } from "./timeline-bars.js";
import { html } from "./view.js";

/** Height of a row, in pixels. */
const rowHeight = 28;
/** Most rows that the view shows without scrolling. */
const rowsInSight = 22;
interface TimelineProps {
  readonly index: RunIndex;
  readonly selected: string | null;
  readonly onSelect: (row: string) => void;
  /** The run as it was, where `index` is a prediction of it: they share the axis. `null` where `index` is the run. */
  readonly recorded: RunIndex | null;
}

/** Who worked when: a row for each piece of work, only those in sight in the document. */
export function TimelineView({ index, selected, onSelect, recorded }: TimelineProps) {
  const endMs = Math.max(index.endMs, recorded?.endMs ?? 0);
  const whole: Span = { from: 0, to: index.run.state === "running" ? roundedUp(endMs) : endMs * 1.002 };
  const title = recorded === null ? "Timeline" : "Timeline, predicted";
  const [zoomed, setZoomed] = useState<Span | null>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(() => openAtFirst(index));
  const [top, setTop] = useState(0);
  const [all, setAll] = useState(false);
  const body = useRef<HTMLDivElement>(null);
  const span = zoomed ?? whole;
  const rows = useMemo(() => unfoldedRows(index, open), [index, open]);

  useEffect(() => {
    const print = () => setAll(true);
    const after = () => setAll(false);
    addEventListener("beforeprint", print);
    addEventListener("afterprint", after);
    return () => {
      removeEventListener("beforeprint", print);
      removeEventListener("afterprint", after);
    };
  }, []);

  const zoom = (factor: number, at = 0.5) => {
    const width = Math.max(0.5, (span.to - span.from) * factor);
    const centre = span.from + (span.to - span.from) * at;
    move(centre - width * at, width);
  };
  const move = (from: number, width: number) => {
    if (width >= whole.to) return setZoomed(null);
    const start = Math.min(Math.max(0, from), whole.to - width);
    setZoomed({ from: start, to: start + width });
  };
  const toggle = (row: string) => {
    setOpen((before) => {
      const next = new Set(before);
      if (!next.delete(row)) next.add(row);
      return next;
    });
  };
  const shareAt = (event: MouseEvent): number => {
    const bars = body.current?.querySelector(".tl-bars")?.getBoundingClientRect();
    if (bars === undefined) return 0.5;
    return Math.min(1, Math.max(0, (event.clientX - bars.left) / Math.max(1, bars.width)));
  };
  const onWheel = (event: WheelEvent) => {
    const width = span.to - span.from;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(event.deltaY > 0 ? 1.2 : 1 / 1.2, shareAt(event));
    } else if (zoomed !== null && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))) {
      event.preventDefault();
      move(span.from + ((event.deltaX || event.deltaY) / 800) * width, width);
    }
  };
  const onPointerDown = (event: PointerEvent) => {
    if (zoomed === null || !(event.target as Element).closest(".tl-bars") || event.button !== 0) return;
    const bars = (event.target as Element).closest(".tl-bars")?.getBoundingClientRect();
    const width = span.to - span.from;
    const start = event.clientX;
    const drag = (moved: PointerEvent) =>
      move(span.from - ((moved.clientX - start) / (bars?.width ?? 1)) * width, width);
    const end = () => {
      removeEventListener("pointermove", drag);
      removeEventListener("pointerup", end);
    };
    addEventListener("pointermove", drag);
    addEventListener("pointerup", end);
  };
  const focusRow = (at: number) => {
    const next = rows[Math.min(rows.length - 1, Math.max(0, at))];
    const box = body.current;
    if (next === undefined || box === null) return;
    const place = rows.indexOf(next) * rowHeight;
    if (place < box.scrollTop) box.scrollTop = place;
    else if (place + 2 * rowHeight > box.scrollTop + box.clientHeight)
      box.scrollTop = place + 2 * rowHeight - box.clientHeight;
    onSelect(next.row.id);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const at = rows.findIndex(({ row }) => row.id === selected);
    const current = rows[at];
    const width = span.to - span.from;
    const acts: Record<string, () => void> = {
      ArrowDown: () => focusRow(at + 1),
      ArrowUp: () => focusRow(at - 1),
      Home: () => focusRow(0),
      End: () => focusRow(rows.length - 1),
      ArrowRight: () => {
        if (event.shiftKey) move(span.from + width / 10, width);
        else if (current?.foldable && !open.has(current.row.id)) toggle(current.row.id);
      },
      ArrowLeft: () => {
        if (event.shiftKey) move(span.from - width / 10, width);
        else if (current !== undefined && open.has(current.row.id)) toggle(current.row.id);
        else if (current?.row.parent != null) onSelect(current.row.parent);
      },
      "+": () => zoom(1 / 1.5),
      "-": () => zoom(1.5),
      "0": () => setZoomed(null),
    };
    const act = acts[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };

  const height = Math.min(rows.length, rowsInSight) * rowHeight;
  const first = all ? 0 : Math.max(0, Math.floor(top / rowHeight) - 4);
  const last = all
    ? Math.min(rows.length, 1000)
    : Math.min(rows.length, Math.ceil((top + height) / rowHeight) + 4);
  const ticks = ticksOf(span);
  const at = (ms: number) => ((ms - span.from) / (span.to - span.from)) * 100;
  return html`<section data-view="timeline" id="timeline" data-predicted=${recorded === null ? undefined : "true"} aria-labelledby="timeline-title">
    <div class="bar">
      <h2 id="timeline-title">${title}</h2>
      ${recorded !== null && html`<span class="chip warn">not run: predicted</span>`}
      <span class="legend" aria-hidden="true">
        <i class="key wait"></i>waits ${waitsFor(index, "limitMs") && html`<i class="key limit"></i>waits for a limit `}
        ${waitsFor(index, "warmMs") && html`<i class="key warm"></i>waits for a warm cache `}<i class="key work"></i>works
        <i class="key ttft"></i>to first token <i class="key call"></i>answers <i class="key crit"></i>critical path
      </span>
      <span class="tools">
        <button onClick=${() => setOpen(new Set(index.children.keys()) as ReadonlySet<string>)}>Unfold all</button>
        <button onClick=${() => setOpen(new Set())}>Fold</button>
        <button aria-label="Show more time" onClick=${() => zoom(1.5)}>−</button>
        <button aria-label="Show less time" onClick=${() => zoom(1 / 1.5)}>+</button>
        <button onClick=${() => setZoomed(null)}>Fit</button>
      </span>
    </div>
    <div
      class="tl"
      role="treegrid"
      aria-label=${`${title}: arrow keys move, left and right fold, plus and minus zoom, shift and arrows pan`}
      aria-rowcount=${rows.length + 1}
      tabindex="0"
      onKeyDown=${onKeyDown}
    >
      <div class="tl-row tl-head" role="row">
        <span role="columnheader" class="tl-name">node</span>
        <span role="columnheader" class="tl-num tl-time">time</span>
        <span role="columnheader" class="tl-num tl-tokens">tokens</span>
        <span role="columnheader" class="tl-num tl-cost">cost</span>
        <span role="columnheader" class="tl-axis" aria-label="when">
          ${ticks.map((tick) => html`<i class="tick" style=${{ left: `${at(tick)}%` }}>${time(tick)}</i>`)}
        </span>
      </div>
      <div
        class="tl-body"
        ref=${body}
        role="rowgroup"
        style=${{ height: all ? "auto" : `${height + 2}px` }}
        onScroll=${(event: Event) => setTop((event.currentTarget as HTMLElement).scrollTop)}
        onWheel=${onWheel}
        onPointerDown=${onPointerDown}
      >
        <div role="presentation" style=${{ height: `${rows.length * rowHeight}px`, position: "relative" }}>
          ${rows.slice(first, last).map(
            (one, offset) =>
              html`<${Row}
                key=${one.row.id}
                one=${one}
                place=${first + offset}
                index=${index}
                span=${span}
                ticks=${ticks}
                open=${open.has(one.row.id)}
                selected=${one.row.id === selected}
                onSelect=${() => onSelect(one.row.id)}
                onToggle=${() => toggle(one.row.id)}
              />`,
          )}
        </div>
      </div>
    </div>
  </section>`;
}

interface RowProps {
  readonly one: ShownRow;
  readonly place: number;
  readonly index: RunIndex;
  readonly span: Span;
  readonly ticks: readonly number[];
  readonly open: boolean;
  readonly selected: boolean;
  readonly onSelect: () => void;
  readonly onToggle: () => void;
}

function Row({
  one: { row, depth, foldable },
  place,
  index,
  span,
  ticks,
  open,
  selected,
  onSelect,
  onToggle,
}: RowProps) {
  const calls = useSame(index.callsWithin.get(row.id) ?? none);
  const own = useSame(index.callsOf.get(row.id) ?? none);
  const parts = useSame(index.children.get(row.id) ?? none);
  const end = row.endedAtMs ?? (row.state === "running" ? index.endMs : row.startedAtMs);
  const took = row.startedAtMs === null || end === null ? "" : time(end - row.startedAtMs);
  const counts = row.counts === null ? "" : counted(row.counts.total, row.counts.noun);
  const lost =
    row.counts === null
      ? ""
      : Object.entries(row.counts.states)
          .filter(([state]) => state !== "completed")
          .map(([state, number]) => `, ${number} ${state}`)
          .join("");
  const price = calls.length === 0 ? "" : cost(costOf(calls));
  const why = row.problem === null ? "" : `${row.problem.code}: ${row.problem.message}`;
  const progress = "progress" in row ? progressOf(row.progress) : null;
  // Scrolling and live pages draw every frame: a row is drawn anew only when something on it has changed.
  const drawn = [row, depth, foldable, place, calls, own, parts, span.from, span.to, open, selected];
  return useMemo(draw, [...drawn, row.state === "running" ? index.endMs : null]);

  function draw() {
    return html`<div
    class=${`tl-row ${tone(row.state)}${row.critical ? " critical" : ""}${selected ? " selected" : ""}`}
    role="row"
    aria-level=${depth + 1}
    aria-rowindex=${place + 2}
    aria-expanded=${foldable ? String(open) : undefined}
    aria-selected=${String(selected)}
    data-node=${row.id}
    data-state=${row.state}
    data-critical=${row.critical ? "true" : undefined}
    style=${{ top: `${place * rowHeight}px` }}
    onClick=${onSelect}
  >
    <span role="gridcell" class="tl-name" style=${{ paddingLeft: `${6 + Math.min(depth, 8) * 14}px` }} title=${shown(row.id)}>
      ${
        foldable
          ? html`<button
              class="fold"
              tabindex="-1"
              aria-label=${`${open ? "Fold" : "Unfold"} ${shown(row.name)}`}
              onClick=${(event: MouseEvent) => {
                event.stopPropagation();
                onToggle();
              }}
            >
              ${open ? "▾" : "▸"}
            </button>`
          : html`<i class="nofold"></i>`
      }
      <i class="sign" role="img" aria-label=${row.state}>${mark(row.state)}</i>
      <b>${shown(row.name)}</b>
      ${counts !== "" && html`<small>${counts}${lost}</small>`}
      ${progress !== null && html`<small data-progress=${progress.text}>${shown(progress.text)}</small>`}
    </span>
    <span role="gridcell" class="tl-num tl-time">${took}</span>
    <span role="gridcell" class="tl-num tl-tokens">${tokens(calls)}</span>
    <span role="gridcell" class="tl-num tl-cost">${price}</span>
    <span role="gridcell" class="tl-bars" title=${shown(why)}>
      ${ticks.map((tick) => html`<i class="grid" style=${placed(tick, tick, span)}></i>`)}
      <${Bars} row=${row} index=${index} span=${span} foldable=${foldable && !open} />
      ${progress?.share != null && end !== null && row.startedAtMs !== null && row.state === "running" && html`<i class="b done" style=${placed(row.startedAtMs, row.startedAtMs + (end - row.startedAtMs) * progress.share, span)}></i>`}
      ${row.startedAtMs === null && why !== "" && html`<em class="why">${shown(why)}</em>`}
    </span>
  </div>`;
  }
}

const none: readonly never[] = [];

/** The list that was given before where it has the same members. */
function useSame<T>(list: readonly T[]): readonly T[] {
  const before = useRef(list);
  const isSame = list.length === before.current.length && list.every((one, at) => one === before.current[at]);
  if (!isSame) before.current = list;
  return before.current;
}

/** A little more time, so that the axis of a run under way stands still for a while: two digits, in steps of a fifth. */
function roundedUp(ms: number): number {
  const step = 10 ** Math.floor(Math.log10(Math.max(1, ms))) / 5;
  return (Math.floor(ms / step) + 1) * step;
}

/** Round times on the axis: four to eight of them. */
function ticksOf({ from, to }: Span): number[] {
  const rough = (to - from) / 6;
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 0.001)));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? power;
  const first = Math.ceil(from / step) * step;
  const ticks: number[] = [];
  for (let tick = first; tick <= to - (to - from) * 0.04 && ticks.length < 12; tick += step) ticks.push(tick);
  return ticks;
}
