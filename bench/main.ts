import { benchBlobs } from './blob.js';
import { benchCuts } from './cut.js';
import { benchJobs } from './job.js';
import { type BenchResult, toTable, writeReport } from './report.js';

/** Runs every bench after the other, prints a table of each, and leaves all figures in `out/bench.json`. */
const BENCHES: readonly (() => Promise<BenchResult>)[] = [benchBlobs, benchCuts, benchJobs];
const REPORT = 'out/bench.json';

const results: BenchResult[] = [];
for (const bench of BENCHES) {
  const result = await bench();
  results.push(result);
  console.log(`${toTable(result)}\n`);
}
await writeReport(REPORT, results);
console.log(`all figures: ${REPORT}`);
