/** `npm run batch`: retries or cancels many jobs, and shows how far that is. */
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { Knex } from 'knex';
import { validate as isUuid } from 'uuid';
import { startBatch } from '../activities/start-batch.js';
import { readEnvironment } from '../config/environment.js';
import { TEMPORAL_VARIABLES, temporalConnectionOptions } from '../config/temporal.js';
import { type BatchState, batchSummary, OPEN_BATCH_STATES } from '../domain/batches.js';
import { batchWorkflowId } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import {
  type BatchRecord,
  listBatches,
  listBatchItems,
  markBatchStarted,
  readBatch,
  requestBatchCancel,
} from '../storage/batches-repository.js';
import { type BatchOrder, chooseJobs, findOwnerId, insertBatch } from '../storage/choose-batch.js';
import { openDatabase } from '../storage/database.js';
import { requireUsableSchema } from '../storage/require-schema.js';
import { pastTime, printTable, readOptions, runTool, UsageError } from './command-line.js';

const USAGE = `usage:
  npm run batch -- retry (--campaign ID | --since TIME [--until TIME]) [--with-gaps] [--owner ID|NAME]
      sends failed jobs through another run; TIME is when they ended, in ISO 8601, or a span such as 90m, 12h or 7d
      --with-gaps takes jobs that are completed_with_gaps as well
  npm run batch -- cancel (--owner ID|NAME | --campaign ID)
      cancels open jobs
  both take --dry-run, which lists the jobs and does nothing, and --no-wait, which does not wait for the end
  npm run batch -- list
  npm run batch -- show BATCH-ID
  npm run batch -- stop BATCH-ID         touches no further job; what was done stays done`;

const LOOK_EVERY_MS = 500;
const CONNECT_TIMEOUT_MS = 5_000;
const LISTED = 50;
const VARIABLES = [...TEMPORAL_VARIABLES, 'DATABASE_URL'] as const;

interface Context {
  knex: Knex;
  /** Gives `work` a client, within a bounded time. */
  withTemporal(work: (client: Client) => Promise<unknown>): Promise<void>;
}

type Command = (context: Context) => Promise<void>;

/** Reads the command line; throws UsageError before anything is opened. */
function parseCommand([command, ...rest]: readonly string[]): Command {
  switch (command) {
    case 'retry':
    case 'cancel':
      return parseOrder(command, rest);
    case 'list':
      readOptions(rest, []);
      return list;
    case 'show':
      return withId(command, rest, show);
    case 'stop':
      return withId(command, rest, stop);
    case undefined:
    default:
      throw new UsageError(`expected retry, cancel, list, show or stop, got ${command ?? 'nothing'}`);
  }
}

function parseOrder(action: BatchOrder['action'], args: readonly string[]): Command {
  const options =
    action === 'retry'
      ? readOptions(args, ['campaign', 'since', 'until', 'owner'], ['with-gaps', 'dry-run', 'no-wait'])
      : { ...readOptions(args, ['campaign', 'owner'], ['dry-run', 'no-wait']) };
  const { campaign, owner, since, until, 'with-gaps': withGaps } = options as Partial<Record<string, string>>;
  if (campaign !== undefined && !isUuid(campaign)) {
    throw new UsageError(`--campaign: expected an id (UUID text), got ${campaign}`);
  }
  if (campaign === undefined && (action === 'retry' ? since : owner) === undefined) {
    throw new UsageError(`${action}: expected --campaign ID or ${action === 'retry' ? '--since TIME' : '--owner ID'}`);
  }
  const filter = {
    ...(campaign === undefined ? {} : { campaignId: campaign.toLowerCase() }),
    ...(since === undefined ? {} : { since: pastTime('--since', since).toISOString() }),
    ...(until === undefined ? {} : { until: pastTime('--until', until).toISOString() }),
    ...(withGaps === undefined ? {} : { withGaps: true }),
  };
  return async (context) => {
    const ownerId = owner === undefined ? undefined : await ownerOf(context.knex, owner);
    const order = { action, filter: { ...filter, ...(ownerId === undefined ? {} : { ownerId }) } };
    if (options['dry-run'] === true) await preview(context, order);
    else await placeBatch(context, order, options['no-wait'] !== true);
  };
}

function withId(
  command: string,
  args: readonly string[],
  run: (context: Context, id: string) => Promise<void>,
): Command {
  const [id, ...more] = args;
  if (id === undefined || more.length > 0 || !isUuid(id)) {
    throw new UsageError(`${command}: expected one batch id (UUID text, see list), got ${args.join(' ') || 'nothing'}`);
  }
  return (context) => run(context, id);
}

async function ownerOf(knex: Knex, owner: string): Promise<string> {
  const id = await findOwnerId(knex, owner);
  if (id === undefined) throw new ReelwrightError('NOT_FOUND', `there is no owner with the id or the name ${owner}`);
  return id;
}

async function preview({ knex }: Context, order: BatchOrder): Promise<void> {
  const jobs = await chooseJobs(knex, order);
  if (jobs.length > 0) {
    const rows = jobs.map(({ jobId, ownerId, status, name }) => [jobId, ownerId, status, name]);
    printTable([['JOB', 'OWNER', 'STATUS', 'NAME'], ...rows]);
  }
  console.log(`batch: this would ${batchSummary(order.action, order.filter, jobs.length)}; nothing was done`);
}

async function placeBatch(context: Context, order: BatchOrder, wait: boolean): Promise<void> {
  const { knex, withTemporal } = context;
  const id = await knex.transaction((trx) => insertBatch(trx, order, `${userInfo().username} on the command line`));
  const batch = await readBatch(knex, id);
  console.log(`batch ${id}: ${batchSummary(batch.action, batch.filter, batch.total)}`);
  try {
    await withTemporal((client) => startBatch(client, batch));
    await markBatchStarted(knex, id);
  } catch (error) {
    console.error(`batch: Temporal could not be told (${(error as Error).message}); the reconciler starts it`);
  }
  if (!wait) return;
  console.log('it goes on by itself: Ctrl-C ends only this view');
  await watch(knex, id);
  await show(context, id);
}

async function watch(knex: Knex, id: string): Promise<void> {
  for (let said = ''; ; ) {
    const batch = await readBatch(knex, id);
    const now = counts(batch);
    if (now !== said) console.log(now);
    said = now;
    if (!(OPEN_BATCH_STATES as readonly BatchState[]).includes(batch.status)) return;
    await sleep(LOOK_EVERY_MS);
  }
}

const counts = ({ total, done, skipped }: BatchRecord): string => `${done} of ${total} done, ${skipped} skipped`;

async function show({ knex }: Context, id: string): Promise<void> {
  const batch = await readBatch(knex, id);
  const skipped = (await listBatchItems(knex, id)).filter(({ status }) => status === 'skipped');
  if (skipped.length > 0) {
    const rows = skipped.map(({ jobId, code, message }) => [jobId, code ?? '-', message ?? '-']);
    printTable([['SKIPPED JOB', 'CODE', 'WHY'], ...rows]);
  }
  console.log(`batch ${id} is ${batch.status}: ${counts(batch)}`);
  if (batch.error !== null) throw new ReelwrightError(batch.error.code, batch.error.message);
}

async function list({ knex }: Context): Promise<void> {
  const { batches, total } = await listBatches(knex, { page: 1, limit: LISTED });
  const rows = batches.map((batch) => [
    batch.id,
    batch.status,
    counts(batch),
    batch.createdAt.toISOString(),
    batch.requestedBy,
    batchSummary(batch.action, batch.filter, batch.total),
  ]);
  printTable([['BATCH', 'STATUS', 'PROGRESS', 'ORDERED', 'BY', 'WHAT'], ...rows]);
  if (total > LISTED) console.log(`and ${total - LISTED} older ones`);
}

async function stop({ knex, withTemporal }: Context, id: string): Promise<void> {
  const done = await knex.transaction((trx) => requestBatchCancel(trx, id));
  if (done !== 'cancelled') {
    try {
      await withTemporal((client) => client.workflow.getHandle(batchWorkflowId(id)).cancel());
    } catch (error) {
      console.error(`batch: Temporal could not be told (${(error as Error).message}); the reconciler tells it`);
    }
  }
  console.log(`batch ${id}: no further job is touched`);
}

await runTool('batch', USAGE, async () => {
  const command = parseCommand(process.argv.slice(2));
  const env = readEnvironment(VARIABLES);
  const database = openDatabase(env.DATABASE_URL, { applicationName: 'batch', poolMax: 2 });
  try {
    await requireUsableSchema(database.knex);
    await command({
      knex: database.knex,
      async withTemporal(work) {
        const options = { ...(await temporalConnectionOptions(env)), connectTimeout: CONNECT_TIMEOUT_MS };
        const connection = await Connection.connect(options);
        try {
          await work(new Client({ connection, namespace: env.TEMPORAL_NAMESPACE }));
        } finally {
          await connection.close();
        }
      },
    });
  } finally {
    await database.close();
  }
});
