import type { DagIssue } from "../errors.js";
export function validate(_spec: unknown): DagIssue[] {
  return [];
}
