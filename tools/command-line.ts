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
