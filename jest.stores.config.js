import config from "./jest.config.js";

/** Against a real database server: `npm run test:stores`, files ending in `.stores.ts`. @type {import("jest").Config} */
export default { ...config, testMatch: ["**/*.stores.ts"], maxWorkers: 1 };
