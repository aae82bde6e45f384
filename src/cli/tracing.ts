import type { Command } from "commander";
import { percentDecoded } from "../models/secrets.js";
import { packageJson } from "../spec/package-json.js";
import type { OtlpExporter } from "../telemetry/otlp-exporter.js";
import { type Io, tell } from "./io.js";
import { UsageError } from "./usage-error.js";

/**
 * Gives every command that is called with `--otlp URL` its exporter, as the option `tracing`. `OTEL_EXPORTER_OTLP_HEADERS`,
 * `OTEL_EXPORTER_OTLP_TRACES_HEADERS` (`name=value,…`), `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `TRACEPARENT` and
 * `TRACESTATE` hold as everywhere with OpenTelemetry.
 * @returns What sends the last spans; to be awaited before the process ends.
 */
export function traceCommands(program: Command, io: Io): { flush(): Promise<void> } {
  let exporter: OtlpExporter | undefined;
  program.hook("preAction", async (_program, command) => {
    const { otlp, texts } = command.opts<{ otlp?: string; texts?: boolean }>();
    if (otlp === undefined) return;
    if (!/^https?:$/.test(protocolOf(otlp))) {
      throw new UsageError(
        `--otlp is "${otlp}", and the address of a collector is expected.`,
        "For example --otlp http://localhost:4318",
      );
    }
    const { otlpExporter } = await import("../telemetry/otlp-exporter.js");
    const { parseTraceContext } = await import("../telemetry/trace-context.js");
    const { env } = io;
    exporter = otlpExporter(otlp, {
      headers: {
        ...pairsIn(env.OTEL_EXPORTER_OTLP_HEADERS),
        ...pairsIn(env.OTEL_EXPORTER_OTLP_TRACES_HEADERS),
      },
      resource: {
        ...pairsIn(env.OTEL_RESOURCE_ATTRIBUTES),
        ...(env.OTEL_SERVICE_NAME && { "service.name": env.OTEL_SERVICE_NAME }),
      },
      parent: parseTraceContext(env.TRACEPARENT, env.TRACESTATE),
      texts: texts === true,
      version: packageJson().version,
      onProblem: (message) => tell(io.stderr, `${message}\n`),
    });
    command.setOptionValue("tracing", exporter);
  });
  return { flush: async () => exporter?.flush() };
}

function protocolOf(url: string): string {
  try {
    return new URL(url).protocol;
  } catch {
    return "";
  }
}

/** `name=value,…`, values with `%20` and the like. */
function pairsIn(text: string | undefined): Record<string, string> {
  const pairs = (text ?? "").split(",").flatMap((pair) => {
    const at = pair.indexOf("=");
    return at <= 0 ? [] : [[pair.slice(0, at).trim(), percentDecoded(pair.slice(at + 1).trim())]];
  });
  return Object.fromEntries(pairs);
}
