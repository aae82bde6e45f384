import { tool } from "@langchain/core/tools";
import { defineDag } from "agent-dag";
import { z } from "zod";

/** Inhabitants and land area in square kilometres, rounded (about 2023). */
const facts: Record<string, { population: number; areaKm2: number }> = {
  Denmark: { population: 5_950_000, areaKm2: 42_900 },
  France: { population: 68_200_000, areaKm2: 551_500 },
  Italy: { population: 58_900_000, areaKm2: 301_300 },
  Netherlands: { population: 17_800_000, areaKm2: 33_500 },
  Poland: { population: 37_600_000, areaKm2: 312_700 },
  Spain: { population: 48_100_000, areaKm2: 505_900 },
};

const lookUp = tool(
  ({ country }: { country: string }) => {
    const found = facts[country];
    if (found === undefined)
      throw new Error(`There is no entry for "${country}"; there is ${Object.keys(facts).join(", ")}.`);
    return { country, ...found };
  },
  {
    name: "look_up",
    description: "Looks up a country's population and area.",
    schema: z.object({ country: z.string().describe("The country's English name") }),
  },
);

const operations = {
  divide: ([first = 0, ...others]: number[]) => others.reduce((result, value) => result / value, first),
  mean: (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length,
  highest: (values: number[]) => Math.max(...values),
};

const calculate = tool(
  ({ operation, values }: { operation: keyof typeof operations; values: number[] }) => {
    const result = operations[operation](values);
    if (!Number.isFinite(result)) throw new Error(`${operation} of ${values.join(", ")} is not a number.`);
    return Math.round(result * 10) / 10;
  },
  {
    name: "calculate",
    description: "Divides numbers, or takes their mean or the highest of them.",
    schema: z.object({
      operation: z.enum(["divide", "mean", "highest"]),
      values: z.array(z.number()).min(1),
    }),
  },
);

/** One look-up a country, one division a country, and the mean of the results: tools alone, no model. */
export const population = defineDag({
  name: "population-density",
  description:
    "Look up all the countries, calculate the population density of each and the mean population density.",
  input: z.object({ countries: z.array(z.string()).min(1) }),
  nodes: {
    lookUps: {
      description: "Looks up the population and area of all the countries.",
      tool: lookUp,
      forEach: "countries",
      args: { country: { $ref: { item: true } } },
    },
    densities: {
      description: "Calculates the population density of all the countries.",
      needs: ["lookUps"],
      forEach: { node: "lookUps" },
      tool: calculate,
      args: {
        operation: "divide",
        values: [{ $ref: { item: true, path: "population" } }, { $ref: { item: true, path: "areaKm2" } }],
      },
    },
    mean: {
      description: "Calculates the mean population density.",
      needs: ["densities"],
      tool: calculate,
      args: { operation: "mean", values: { $ref: { node: "densities" } } },
    },
  },
});

/** Used when no other input is given. */
export const input = { countries: ["Denmark", "Netherlands", "Poland"] };
