import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { dirname } from 'node:path';

/** One way of doing the work, measured in rounds that alternate with those of the other ways. */
export interface Measure {
  name: string;
  /** The figure of each round, in the result's unit. */
  rounds: number[];
  median: number;
  /** Its median over that of the reference; absent for what has none. */
  ratio?: number;
  /** The name of the measure it is compared with. */
  reference?: string;
  /** What the ratio is to reach; at least one of both. */
  goal?: { atLeast?: number; atMost?: number };
  /** What the memory must not exceed, in megabytes. */
  mostRssMb?: number;
  /** Highest resident memory of the process that did the work, in megabytes (10^6 bytes). */
  peakRssMb?: number;
}

/** What one bench found. */
export interface BenchResult {
  name: string;
  /** What was done, in one line: sizes, servers, rounds. */
  about: string;
  /** Of `rounds` and `median`, such as `MB/s`. */
  unit: string;
  measures: Measure[];
}

/** The middle value; the mean of the two middle ones when their number is even. Throws for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError('expected at least one value, got none');
  return (upper + lower) / 2;
}

/** The result as a text table. */
export function toTable(result: BenchResult): string {
  const rows = result.measures.map((measure) => [
    measure.name,
    measure.median.toFixed(1),
    `${Math.min(...measure.rounds).toFixed(1)} to ${Math.max(...measure.rounds).toFixed(1)}`,
    measure.ratio === undefined ? '' : `${measure.ratio.toFixed(2)} of ${measure.reference ?? ''}`,
    measure.peakRssMb === undefined ? '' : measure.peakRssMb.toFixed(0),
    goalsOf(measure).join(', '),
  ]);
  const table = [['way', result.unit, 'range', 'ratio', 'peak RSS, MB', 'goal'], ...rows];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [`${result.name}: ${result.about}`, ...lines].join('\n');
}

function goalsOf({ ratio, goal, peakRssMb, mostRssMb }: Measure): string[] {
  const verdict = (what: string, isMet: boolean): string => `${what}: ${isMet ? 'met' : 'MISSED'}`;
  const goals: string[] = [];
  if (goal?.atLeast !== undefined && ratio !== undefined)
    goals.push(verdict(`at least ${goal.atLeast}`, ratio >= goal.atLeast));
  if (goal?.atMost !== undefined && ratio !== undefined)
    goals.push(verdict(`at most ${goal.atMost}`, ratio <= goal.atMost));
  if (mostRssMb !== undefined && peakRssMb !== undefined)
    goals.push(verdict(`under ${mostRssMb} MB`, peakRssMb < mostRssMb));
  return goals;
}

/** Writes all results, with the machine they were measured on, as JSON. */
export async function writeReport(path: string, results: readonly BenchResult[]): Promise<void> {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMb: Math.round(totalmem() / 1e6),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
  };
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify({ measuredAt: new Date().toISOString(), machine, results }, null, 2)}\n`);
}
