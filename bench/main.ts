import { benchBigBlob } from './big-blob.js';
import { benchBlobs } from './blob.js';
import { benchCuts } from './cut.js';
import { benchJobs } from './job.js';
import { benchManyJobs } from './jobs-many.js';
import { type BenchResult, toTable, writeReport } from './report.js';
import { benchServing } from './serve.js';

/** Runs every bench after the other, or those that are named, prints a table of each, and leaves all figures in `out/bench.json`. */
const BENCHES: Readonly<Record<string, () => Promise<BenchResult | BenchResult[]>>> = {
  blobs: benchBlobs,
  'big-blob': benchBigBlob,
  serving: benchServing,
  cuts: benchCuts,
  jobs: benchJobs,
  'many-jobs': benchManyJobs,
};
const REPORT = 'out/bench.json';

const results: BenchResult[] = [];
const wanted = process.argv.slice(2);
for (const [name, bench] of Object.entries(BENCHES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const result of [await bench()].flat()) {
    results.push(result);
    console.log(`${toTable(result)}\n`);
  }
}
await writeReport(REPORT, results);
console.log(`all figures: ${REPORT}`);
