// Writes the JSON Schema of the file form. Run by `npm run schema`, after a change of src/spec/file-schema.ts.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createJiti } from "jiti";

const { fileSchema } = await createJiti(import.meta.url).import("../src/spec/file-schema.ts");
const target = fileURLToPath(new URL("../src/spec/agent-dag.schema.json", import.meta.url));
writeFileSync(target, `${JSON.stringify(fileSchema(), null, 2)}\n`);
