/** `npm run reconcile`: matches ledger, histories and the provider's list after a restored backup, and lets purchases go on. */
import { Client, Connection } from '@temporalio/client';
import { type Finding, matchLedger } from '../activities/match-ledger.js';
import { createPurchaseHistories } from '../activities/purchase-histories.js';
import { readEnvironment } from '../config/environment.js';
import { createLogger } from '../config/logger.js';
import { TEMPORAL_VARIABLES, temporalConnectionOptions } from '../config/temporal.js';
import { createReplicateProvider } from '../replicate/replicate-provider.js';
import { openDatabase } from '../storage/database.js';
import { liftLedgerPause, readLedgerClock } from '../storage/ledger-clock.js';
import { findPause } from '../storage/purchasing.js';
import { requireUsableSchema } from '../storage/require-schema.js';
import { isoTime, printTable, readOptions, runTool, UsageError } from './command-line.js';

const USAGE = `usage:
  npm run reconcile -- --since TIME     TIME in ISO 8601: up to when the ledger is known to be whole`;

const VARIABLES = [...TEMPORAL_VARIABLES, 'DATABASE_URL', 'REPLICATE_API_TOKEN', 'REPLICATE_BASE_URL'] as const;

function parseSince(args: readonly string[]): Date {
  const { since } = readOptions(args, ['since']);
  const time = since === undefined ? undefined : isoTime(since);
  if (time === undefined) {
    throw new UsageError(`expected --since with a time such as 2026-05-01T09:30:00Z, got ${since ?? 'nothing'}`);
  }
  if (time > new Date()) throw new UsageError(`--since: expected a time that has passed, got ${since}`);
  return time;
}

const row = ({ prediction, what, jobId, subject, attempt }: Finding): string[] => [
  prediction.id,
  prediction.model,
  prediction.status,
  prediction.createdAt.toISOString(),
  what,
  jobId ?? '-',
  subject ?? '-',
  attempt === null ? '-' : String(attempt),
];

await runTool('reconcile', USAGE, async () => {
  const since = parseSince(process.argv.slice(2));
  const env = readEnvironment(VARIABLES);
  const database = openDatabase(env.DATABASE_URL, { applicationName: 'reconcile', poolMax: 2 });
  try {
    const { knex } = database;
    await requireUsableSchema(knex);
    const connection = await Connection.connect(await temporalConnectionOptions(env));
    try {
      const client = new Client({ connection, namespace: env.TEMPORAL_NAMESPACE });
      const provider = createReplicateProvider({ token: env.REPLICATE_API_TOKEN, baseUrl: env.REPLICATE_BASE_URL });
      // Standard output is for the table, which tells what a log would.
      const logger = createLogger('reconcile', 'silent');
      const deps = { knex, provider, histories: createPurchaseHistories(client), logger };
      const clock = await readLedgerClock(knex);
      // Nothing may lie between what is matched and where the ledger's own clock stands.
      const from = clock !== undefined && clock.at < since ? clock.at : since;
      const findings = await matchLedger(deps, { since: from, repair: true }, new AbortController().signal);
      if (findings.length > 0) {
        printTable([
          ['PREDICTION', 'MODEL', 'STATUS', 'MADE', 'WHAT', 'JOB', 'SUBJECT', 'ATTEMPT'],
          ...findings.map(row),
        ]);
      }
      const count = (what: Finding['what']): number => findings.filter((finding) => finding.what === what).length;
      console.log(
        `reconcile: since ${from.toISOString()} ${count('adopted')} adopted, ${count('repaired')} repaired, ` +
          `${count('stray')} strays`,
      );
      const lifted = await liftLedgerPause(knex);
      const pause = await findPause(knex);
      if (pause !== undefined) console.log(`purchasing is still paused by ${pause.pausedBy}: ${pause.reason}`);
      else console.log(lifted ? 'reconcile: purchasing goes on' : 'reconcile: purchasing was not paused by the ledger');
    } finally {
      await connection.close();
    }
  } finally {
    await database.close();
  }
});
