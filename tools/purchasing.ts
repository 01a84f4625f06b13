/** `npm run purchasing`: whether anything is bought at the moment, and the hand that stops it and lets it go on. */
import { userInfo } from 'node:os';
import type { Knex } from 'knex';
import { readEnvironment } from '../config/environment.js';
import { ReelwrightError } from '../domain/errors.js';
import { openDatabase } from '../storage/database.js';
import { readLedgerClock, whyBehind } from '../storage/ledger-clock.js';
import { listUnknownPurchases } from '../storage/owed-purchases.js';
import { findPause, type PurchasingPause, pausePurchasing, resumePurchasing } from '../storage/purchasing.js';
import { listOpenStrays } from '../storage/strays.js';
import { printTable, readOptions, runTool, UsageError } from './command-line.js';

const USAGE = `usage:
  npm run purchasing -- status
  npm run purchasing -- pause --reason TEXT
  npm run purchasing -- resume`;

const MAX_REASON = 500;
const MOST_STRAYS = 200;

type Command = (knex: Knex) => Promise<void>;

/** Reads the command line; throws UsageError before anything is opened. */
function parseCommand(args: readonly string[]): Command {
  const [command, ...rest] = args;
  switch (command) {
    case 'status':
      readOptions(rest, []);
      return status;
    case 'pause': {
      const reason = readOptions(rest, ['reason']).reason?.trim() ?? '';
      if (reason === '' || reason.length > MAX_REASON) {
        throw new UsageError(`pause: expected --reason with 1 to ${MAX_REASON} characters, got ${reason.length}`);
      }
      return (knex) => pause(knex, reason);
    }
    case 'resume':
      readOptions(rest, []);
      return resume;
    case undefined:
    default:
      throw new UsageError(`expected status, pause or resume, got ${command ?? 'nothing'}`);
  }
}

async function status(knex: Knex): Promise<void> {
  console.log(describe(await findPause(knex)));
  const clock = await readLedgerClock(knex);
  console.log(`the ledger stands at ${clock?.at.toISOString() ?? 'no time: no worker was ever started'}`);
  const strays = await listOpenStrays(knex, MOST_STRAYS);
  console.log(`\nopen strays: ${strays.length}${strays.length === MOST_STRAYS ? ' or more' : ''}`);
  if (strays.length > 0) {
    const rows = strays.map((stray) => [
      stray.providerId,
      stray.model,
      stray.status,
      stray.jobId ?? '-',
      stray.subject ?? '-',
      `$${stray.estimateUsd}`,
      stray.foundAt.toISOString(),
      stray.reason,
    ]);
    printTable([['PREDICTION', 'MODEL', 'STATUS', 'JOB', 'SUBJECT', 'ESTIMATE', 'FOUND', 'REASON'], ...rows]);
  }
  const unknown = await listUnknownPurchases(knex);
  console.log(`\nunknown purchases: ${unknown.length}`);
  if (unknown.length > 0) {
    const rows = unknown.map((purchase) => [
      purchase.jobId,
      purchase.subject,
      String(purchase.attempt),
      purchase.model,
      `$${purchase.estimateUsd}`,
      purchase.postedAt?.toISOString() ?? '-',
    ]);
    printTable([['JOB', 'SUBJECT', 'ATTEMPT', 'MODEL', 'ESTIMATE', 'POSTED'], ...rows]);
  }
}

async function pause(knex: Knex, reason: string): Promise<void> {
  const pausedBy = userInfo().username;
  await pausePurchasing(knex, { code: 'PURCHASING_PAUSED', reason, pausedBy, probeAfterMs: null });
  console.log(describe(await findPause(knex)));
}

async function resume(knex: Knex): Promise<void> {
  if ((await whyBehind(knex)) !== undefined) {
    const since = (await readLedgerClock(knex))?.at.toISOString() ?? 'TIME';
    throw new ReelwrightError(
      'LEDGER_BEHIND',
      `purchasing is paused because the ledger may lack purchases: run npm run reconcile -- --since ${since}`,
    );
  }
  const resumed = await resumePurchasing(knex);
  console.log(resumed ? 'purchasing goes on' : 'purchasing was not paused');
}

function describe(pause: PurchasingPause | undefined): string {
  if (pause === undefined) return 'purchasing goes on';
  const until = pause.probeAt === null ? 'until somebody lifts it' : `next try at ${pause.probeAt.toISOString()}`;
  const since = pause.pausedAt.toISOString();
  return `purchasing is paused since ${since} by ${pause.pausedBy}, ${until}: ${pause.code}: ${pause.reason}`;
}

await runTool('purchasing', USAGE, async () => {
  const command = parseCommand(process.argv.slice(2));
  const { DATABASE_URL } = readEnvironment(['DATABASE_URL']);
  const database = openDatabase(DATABASE_URL, { applicationName: 'purchasing', poolMax: 1 });
  try {
    await command(database.knex);
  } finally {
    await database.close();
  }
});
