/** `npm run replay`: runs the histories of production workflows against today's code and says where they part. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { validate as isUuid } from 'uuid';
import { readEnvironment } from '../config/environment.js';
import { TEMPORAL_VARIABLES, temporalConnectionOptions } from '../config/temporal.js';
import { videoJobId } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { historiesOfJob, historiesOfWorkflow, historiesSince } from '../worker/replay/fetch-histories.js';
import { requireFreshBundle } from '../worker/replay/fresh-bundle.js';
import { readHistory } from '../worker/replay/history-json.js';
import { type RecordedHistory, type Replayed, replayHistories } from '../worker/replay/replay-histories.js';
import { findWorkflowBundle } from '../worker/workflow-bundle.js';
import { pastTime, runTool, UsageError } from './command-line.js';

const USAGE = `usage:
  npm run replay -- (JOB-ID | WORKFLOW-ID | HISTORY.json)...
      a job is its workflow with all clips, music and settlements, in all their runs; a file is one that the Web UI or
      temporal workflow show --output json has written
  npm run replay -- --since TIME [--most N]
      every workflow that was started or closed since, or runs; TIME in ISO 8601, or a span such as 90m, 12h or 7d;
      N is how many at most, the newest first, 1000 unless given; of reconcilers, which a schedule starts twice a minute,
      the newest 20 beside them`;

const DEFAULT_MOST = 1_000;
const CONNECT_TIMEOUT_MS = 5_000;
const SAY_EVERY = 50;
/** Where the sources are, if they are there: this runs as dist/tools/replay.js. */
const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

type Order = { targets: string[] } | { since: Date; most: number };

/** Throws UsageError before anything is opened. */
function parseOrder(args: readonly string[]): Order {
  const { positionals: targets, values } = parse(args);
  const { since, most } = values;
  if (since === undefined) {
    if (most !== undefined) throw new UsageError('--most goes with --since');
    if (targets.length === 0) throw new UsageError('expected a job id, a workflow id, a file or --since, got nothing');
    return { targets };
  }
  if (targets.length > 0) throw new UsageError(`expected --since alone, got ${targets.join(' ')} as well`);
  if (most !== undefined && !/^[1-9]\d{0,5}$/.test(most)) {
    throw new UsageError(`--most: expected a whole number from 1 to 999999, got ${most}`);
  }
  return { since: pastTime('--since', since), most: Number(most ?? DEFAULT_MOST) };
}

function parse(args: readonly string[]) {
  const options = { since: { type: 'string' }, most: { type: 'string' } } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

/** Opened when the first history is asked from the server: files need none. */
function lazyClient(): { client(): Promise<Client>; close(): Promise<void> } {
  let connecting: Promise<{ connection: Connection; client: Client }> | undefined;
  async function connect(): Promise<{ connection: Connection; client: Client }> {
    const env = readEnvironment(TEMPORAL_VARIABLES);
    const options = { ...(await temporalConnectionOptions(env)), connectTimeout: CONNECT_TIMEOUT_MS };
    const connection = await Connection.connect(options).catch((error: unknown) => {
      const seen = (error as Error).message;
      throw new ReelwrightError('NOT_READY', `expected Temporal at TEMPORAL_ADDRESS, got: ${seen}`, { cause: error });
    });
    return { connection, client: new Client({ connection, namespace: env.TEMPORAL_NAMESPACE }) };
  }
  return {
    client: async () => (await (connecting ??= connect())).client,
    async close() {
      await (await connecting)?.connection.close();
    },
  };
}

async function* historiesFor(
  targets: readonly string[],
  client: () => Promise<Client>,
): AsyncGenerator<RecordedHistory> {
  for (const target of targets) {
    let found = 0;
    for await (const history of historiesForOne(target, client)) {
      found += 1;
      yield history;
    }
    if (found === 0) throw new ReelwrightError('NOT_FOUND', `Temporal knows no workflow of ${target} (any more)`);
  }
}

async function* historiesForOne(target: string, client: () => Promise<Client>): AsyncGenerator<RecordedHistory> {
  const jobId = target.startsWith(videoJobId('')) ? target.slice(videoJobId('').length) : target;
  if (isUuid(jobId)) yield* historiesOfJob(await client(), jobId.toLowerCase());
  else if (target.endsWith('.json') || existsSync(target)) yield readHistory(await readFile(target, 'utf8'), target);
  else yield* historiesOfWorkflow(await client(), target);
}

interface Chosen {
  histories: AsyncIterable<RecordedHistory>;
  /** How many were not chosen, of those that were asked for. */
  leftOut: number;
}

async function choose(order: Order, client: () => Promise<Client>): Promise<Chosen> {
  if (!('since' in order)) return { histories: historiesFor(order.targets, client), leftOut: 0 };
  const { histories, count, leftOut } = await historiesSince(await client(), order.since, order.most);
  console.error(`replay: ${count} workflows since ${order.since.toISOString()}`);
  return { histories, leftOut };
}

/** The code to judge by: the given bundle, else that of the build, which must not be older than the sources. */
async function findBundle(): ReturnType<typeof findWorkflowBundle> {
  const given = readEnvironment(['WORKFLOW_BUNDLE_PATH']).WORKFLOW_BUNDLE_PATH;
  const bundle = await findWorkflowBundle(given);
  if (given === undefined && 'codePath' in bundle) await requireFreshBundle(bundle.codePath, CHECKOUT);
  return bundle;
}

function print({ workflowId, type, events, difference }: Replayed): void {
  console.log(`${difference === undefined ? 'OK  ' : 'DIFF'}  ${workflowId}  ${type}, ${events} events`);
  if (difference === undefined) return;
  const { eventId, history, code, source, said } = difference;
  console.log(`      at event ${eventId ?? 'unknown'}`);
  console.log(`      the history has: ${history}`);
  console.log(`      the code did:    ${code}`);
  if (source !== null) console.log(`      in ${source}`);
  console.log(`      Temporal says: ${said}`);
}

await runTool('replay', USAGE, async () => {
  const order = parseOrder(process.argv.slice(2));
  // Differences are told by us.
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' } } },
  });
  const workflowBundle = await findBundle();
  const server = lazyClient();
  try {
    const { histories, leftOut } = await choose(order, server.client);
    let [all, differ] = [0, 0];
    for await (const replayed of replayHistories(workflowBundle, histories)) {
      print(replayed);
      all += 1;
      if (replayed.difference !== undefined) differ += 1;
      if (all % SAY_EVERY === 0) console.error(`replay: ${all} replayed, ${differ} of them differ`);
    }
    const more = leftOut === 0 ? '' : `; ${leftOut} older ones were not replayed`;
    console.log(`replay: ${all} ${all === 1 ? 'history' : 'histories'}, ${all - differ} OK, ${differ} differ${more}`);
    if (differ > 0) process.exitCode = 1;
  } finally {
    await server.close();
  }
});
