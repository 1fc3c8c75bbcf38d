// Read a published file through Node's client of DuckDB, as web dashboards do; JSON on stdout.
//
//   node compat/read_by_node.mjs serve/latest/via.duckdb queries.json
//
// queries.json: the queries of read_release.py, which matrix.py writes out, so that they stand once.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.VIA_COMPAT_NODE ?? process.cwd()}/`);
const { DuckDBInstance, version } = require("@duckdb/node-api");

const [file, queries] = process.argv.slice(2);
const instance = await DuckDBInstance.create(file, { access_mode: "READ_ONLY" });
const connection = await instance.connect();
const answers = {};
for (const [name, sql] of Object.entries(JSON.parse(readFileSync(queries, "utf8")))) {
  const read = await connection.runAndReadAll(sql);
  answers[name] = read.getRows().map((row) => row.map((cell) => (cell === null ? null : String(cell))));
}
console.log(JSON.stringify({ duckdb: `@duckdb/node-api, DuckDB ${version()}`, answers }));
