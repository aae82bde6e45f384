import { useState } from "preact/hooks";
import type { PageQuestion } from "../report/page-model.js";
import { typedAnswer, typedEdit } from "../report/typed-value.js";
import { shown, valueText } from "./text.js";
import { html } from "./view.js";

/** Sends a run's answers by node; gives what was wrong with them, `null` where nothing was. */
export type SendAnswer = (answers: Readonly<Record<string, unknown>>, run: string) => Promise<string | null>;

interface QuestionsProps {
  /** Id of the run that asks. */
  readonly run: string;
  /** What the run is called where several may ask; empty where there is one. */
  readonly label: string;
  readonly questions: readonly PageQuestion[];
  /** `null` where the page is a file and nobody listens. */
  readonly answer: SendAnswer | null;
}

/** What the run waits for a person to answer, with the answer where the page is live. */
export function QuestionsView({ run, label, questions, answer }: QuestionsProps) {
  const [given, setGiven] = useState<Readonly<Record<string, unknown>>>({});
  const [said, setSaid] = useState("");
  if (questions.length === 0) return null;
  const give = async (node: string, value: unknown) => {
    const all = { ...given, [node]: value };
    setGiven(all);
    if (answer === null || !questions.every((one) => Object.hasOwn(all, one.node))) return;
    setSaid("Sent; the run goes on.");
    const problem = await answer(all, run);
    if (problem === null) return;
    setGiven({});
    setSaid(problem);
  };
  const title = `questions ${run}`;
  return html`<section class="questions" data-run=${run} aria-labelledby=${title.replaceAll(/\s/g, "-")}>
    <div class="bar"><h2 id=${title.replaceAll(/\s/g, "-")}>${label === "" ? "" : `${shown(label)}: `}${label === "" ? "Waits" : "waits"} for an answer</h2></div>
    ${questions.map((one) => html`<${Question} key=${one.node} question=${one} done=${Object.hasOwn(given, one.node)} give=${answer === null ? null : (value: unknown) => void give(one.node, value)} />`)}
    <p class="quiet" role="status">${said}</p>
  </section>`;
}

interface QuestionProps {
  readonly question: PageQuestion;
  readonly done: boolean;
  readonly give: ((value: unknown) => void) | null;
}

function Question({ question, done, give }: QuestionProps) {
  const free = question.kind === "interrupt";
  const [text, setText] = useState(() =>
    free
      ? ""
      : typeof question.value === "string"
        ? question.value
        : (JSON.stringify(question.value, null, 2) ?? ""),
  );
  const [problem, setProblem] = useState("");
  const [comment, setComment] = useState("");
  const note = comment.trim() === "" ? {} : { comment: comment.trim() };
  /** Whether the page shows no values: there is nothing to change, only something to put in its place. */
  const isHidden = question.value === undefined;
  const edited = (pass: (value: unknown) => void) => {
    const edit =
      isHidden && text === ""
        ? { problem: "Write what is to be passed on in its place." }
        : typedEdit(text, question.value);
    setProblem("problem" in edit ? edit.problem : "");
    if ("value" in edit) pass({ edit: edit.value, ...note });
  };
  const isSaid = isHidden || (free && question.value === question.message);
  const value = html`${question.show !== undefined && !isSaid && html`<p class="quiet">${free ? "The question" : "Passed on when it is approved"}</p>`}${!isSaid && html`<pre class="text" tabindex="0">${valueText(question.value)}</pre>`}`;
  return html`<div class="question" data-question=${question.node}>
    <h3>${shown(question.node)} <span class="chip">${shown(question.kind)}</span></h3>
    <p>${shown(question.message)}</p>
    ${question.show !== undefined && html`<p class="quiet">To look at first</p><pre class="text" tabindex="0">${valueText(question.show)}</pre>`}
    ${
      give === null || done
        ? html`${value}${done && html`<p class="quiet">Answered.</p>`}`
        : html`${free && value}<label>${free ? "Answer (text or JSON)" : isHidden ? "In its place (text or JSON)" : "Value (change it to edit)"}
              <textarea rows="5" onInput=${(event: Event) => setText((event.currentTarget as HTMLTextAreaElement).value)} value=${text}></textarea></label>
            ${problem !== "" && html`<p class="bad-text" role="alert">${problem}</p>`}
            ${
              free
                ? html`<p class="acts"><button class="go" onClick=${() => give(typedAnswer(text))}>Answer</button></p>`
                : html`<label>Comment <input value=${comment} onInput=${(event: Event) => setComment((event.currentTarget as HTMLInputElement).value)} /></label>
                  <p class="acts">
                    <button class="go" data-answer="approve" onClick=${() => give({ approve: true, ...note })}>Approve</button>
                    <button data-answer="edit" onClick=${() => edited(give)}>Pass on as edited</button>
                    <button class="stop" data-answer="reject" onClick=${() => give({ approve: false, ...note })}>Reject</button>
                  </p>`
            }`
    }
  </div>`;
}
