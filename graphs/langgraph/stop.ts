import { GraphInterrupt, type Interrupt } from "@langchain/langgraph";
import type { Scope } from "../../nodes/engine/scope.js";
import { contains, nodeWork, parseWork } from "../../src/records/work-id.js";

/**
 * What a LangGraph node throws so that LangGraph stops without taking the node for done: a resumed run enters it again. It
 * carries the questions of the node, or of the whole run, which LangGraph hands to its caller.
 */
export function stopLangGraph({ run, prefix }: Scope, name?: string): GraphInterrupt {
  const own = name === undefined ? null : nodeWork(prefix + name);
  const interrupts = run.questions.open
    .filter(({ question }) => own === null || contains(own, parseWork(question.node)))
    .map(({ id, question }): Interrupt => ({ id, value: question }));
  return new GraphInterrupt(interrupts);
}
