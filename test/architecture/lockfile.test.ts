import { readFileSync } from "node:fs";
import { expect, it } from "@jest/globals";

interface Lockfile {
  readonly packages: Readonly<
    Record<
      string,
      { readonly resolved?: string; readonly optionalDependencies?: Readonly<Record<string, string>> }
    >
  >;
}

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as Lockfile;

it("keeps the lockfile free of download addresses", () => {
  expect(Object.keys(packages).filter((path) => packages[path]?.resolved?.includes("://"))).toEqual([]);
});

it("locks the packages of every platform, so that `npm ci` works on each (`npm run lock` mends it)", () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        packages[`node_modules/${name}`] === undefined &&
        packages[`${path}/node_modules/${name}`] === undefined,
    ),
  );
  expect(missing).toEqual([]);
});

it("pins every dependency exactly", () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync("package.json", "utf8")) as Record<
    string,
    Record<string, string>
  >;
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
    ([, range]) => !/^(npm:[\w@/.-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(range),
  );
  expect(loose).toEqual([]);
});
