import { createColors } from "picocolors";
import { DagValidationError, errorMessage } from "../errors.js";
import { cleanText } from "../report/plain-text.js";

/** An error as a person reads it; the stack only with `debug`. */
export function renderError(error: unknown, { debug, color }: { debug: boolean; color: boolean }): string {
  const { red } = createColors(color);
  const message = error instanceof DagValidationError ? error.message : errorMessage(error);
  const stack = debug && error instanceof Error ? `\n${error.stack ?? ""}${causes(error)}` : "";
  return `${red("error:")} ${cleanText(`${message}${stack}`)}\n`;
}

function causes(error: Error): string {
  const { cause } = error;
  return cause instanceof Error ? `\ncaused by: ${cause.stack ?? cause.message}${causes(cause)}` : "";
}
