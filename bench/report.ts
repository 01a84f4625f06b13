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
  ]);
  const table = [['way', result.unit, 'range', 'ratio', 'peak RSS, MB'], ...rows];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [`${result.name}: ${result.about}`, ...lines].join('\n');
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
