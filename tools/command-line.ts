/** What the command-line tools share: options, tables, and how they say why they ended. */
import { parseArgs } from 'node:util';
import { describeStartFailure } from '../config/start-failure.js';

const FAILED = 1;
const WRONG_USAGE = 2;

/** The command line is not as expected; said together with the usage. */
export class UsageError extends Error {}

/** Reads `--name value` for the given names and `--flag` for the given flags; throws UsageError for anything else. */
export function readOptions<Name extends string, Flag extends string = never>(
  args: readonly string[],
  names: readonly Name[],
  flags: readonly Flag[] = [],
): Partial<Record<Name, string> & Record<Flag, boolean>> {
  const options = Object.fromEntries([
    ...names.map((name) => [name, { type: 'string' as const }] as const),
    ...flags.map((flag) => [flag, { type: 'boolean' as const }] as const),
  ]);
  try {
    return parseArgs({ args: [...args], options }).values as Partial<Record<Name, string> & Record<Flag, boolean>>;
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

/** A date, a time and where on earth it is. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;
const SPAN = /^([1-9]\d{0,4})([mhd])$/;
const SPAN_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A time in ISO 8601 with its zone; undefined for anything else. */
export function isoTime(text: string): Date | undefined {
  const time = TIME.test(text) ? new Date(text) : undefined;
  return time === undefined || Number.isNaN(time.getTime()) ? undefined : time;
}

/** A time, or a span such as 90m, 12h or 7d that ended now; throws UsageError that names the option. */
export function pastTime(option: string, text: string, now: Date = new Date()): Date {
  const span = SPAN.exec(text);
  const time = span === null ? isoTime(text) : new Date(now.getTime() - Number(span[1]) * SPAN_MS[span[2] as 'm']);
  if (time !== undefined && time <= now) return time;
  const expected = 'a time that has passed, such as 2026-05-01T09:30:00Z, or a span such as 90m, 12h or 7d';
  throw new UsageError(`${option}: expected ${expected}, got ${text}`);
}

/** Writes rows in columns; the first row is the heading. */
export function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}

/** Runs a tool; its failure goes to standard error and becomes the exit code: 2 for a wrong command line, else 1. */
export async function runTool(name: string, usage: string, tool: () => Promise<void>): Promise<void> {
  try {
    await tool();
  } catch (error) {
    const isWrongUsage = error instanceof UsageError;
    console.error(`${name}: ${isWrongUsage ? error.message : describeStartFailure(error)}`);
    if (isWrongUsage) console.error(usage);
    process.exitCode = isWrongUsage ? WRONG_USAGE : FAILED;
  }
}
