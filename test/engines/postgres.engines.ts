import { startPostgres } from "../support/postgres.js";
import { testBatches } from "./batch-suite.js";

testBatches("PostgreSQL", startPostgres);
