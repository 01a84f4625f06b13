import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type BenchResult, median, toTable, writeReport } from './report.js';

const RESULT: BenchResult = {
  name: 'copies',
  about: 'two ways',
  unit: 'MB/s',
  measures: [
    {
      name: 'ours',
      rounds: [90, 80, 100],
      median: 90,
      ratio: 0.9,
      reference: 'bare',
      peakRssMb: 71.6,
      goal: { atLeast: 0.8, atMost: 0.85 },
      mostRssMb: 80,
    },
    { name: 'bare', rounds: [100], median: 100 },
  ],
};

test('the median is the middle value, or the mean of the two middle ones', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([10, 9])).toBe(9.5);
  expect(() => median([])).toThrow(RangeError);
});

test('the table shows median, range, ratio, memory and what became of the goals, and leaves out what was not measured', () => {
  expect(toTable(RESULT).split('\n')).toEqual([
    'copies: two ways',
    'way   MB/s   range           ratio         peak RSS, MB  goal',
    'ours  90.0   80.0 to 100.0   0.90 of bare  72            at least 0.8: met, at most 0.85: MISSED, under 80 MB: met',
    'bare  100.0  100.0 to 100.0',
  ]);
});

test('the report is JSON with all figures and the machine, in a folder that is made for it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reelwright-report-'));
  const path = join(folder, 'out', 'bench.json');
  await writeReport(path, [RESULT]);
  const report = JSON.parse(await readFile(path, 'utf8')) as { machine: { cores: number }; results: unknown };
  expect(report.results).toEqual([RESULT]);
  expect(report.machine.cores).toBeGreaterThan(0);
  await rm(folder, { recursive: true });
});
