import { compile } from "agent-dag";
import { review as reviewDag } from "./review.js";
import { textAnalysis as textAnalysisDag } from "./text-analysis.js";

// The examples as LangGraph runnables: what langgraph.json gives to LangGraph's own server and to Studio.
export const review = compile(reviewDag, { topology: "deterministic" });
export const textAnalysis = compile(textAnalysisDag, { topology: "deterministic" });
