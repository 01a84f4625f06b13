/** `npm run storage`: what the store holds, and whether its bytes are those that were put. */
import { readEnvironment } from '../config/environment.js';
import { type Database, openDatabase } from '../storage/database.js';
import { createPostgresBlobStore } from '../storage/postgres-blob-store.js';
import { readStoreFigures } from '../storage/store-figures.js';
import { type BlobProblem, type Verified, type VerifyOptions, verifyBlobs } from '../storage/verify-blobs.js';
import { printTable, readOptions, runTool, UsageError } from './command-line.js';

const USAGE = `usage:
  npm run storage -- status
  npm run storage -- verify [--since TIME] [--after BLOB] [--sample NUMBER] [--megabytes-per-second NUMBER]`;

/** How often a long verification says how far it is, in milliseconds. */
const TELL_EVERY_MS = 10_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

type Command = (database: Database) => Promise<void>;

/** Reads the command line; throws UsageError before anything is opened. */
function parseCommand(args: readonly string[]): Command {
  const [command, ...rest] = args;
  switch (command) {
    case 'status':
      readOptions(rest, []);
      return status;
    case 'verify': {
      const options = verifyOptions(rest);
      return (database) => verify(database, options);
    }
    case undefined:
    default:
      throw new UsageError(`expected status or verify, got ${command ?? 'nothing'}`);
  }
}

function verifyOptions(args: readonly string[]): VerifyOptions {
  const given = readOptions(args, ['since', 'after', 'sample', 'megabytes-per-second']);
  const since = given.since === undefined ? undefined : new Date(given.since);
  if (since !== undefined && Number.isNaN(since.getTime())) {
    throw new UsageError(`--since: expected a time such as 2026-01-31T12:00:00Z, got ${given.since}`);
  }
  if (given.after !== undefined && !UUID.test(given.after)) {
    throw new UsageError(`--after: expected the id of a blob, got ${given.after}`);
  }
  const sample = positive('--sample', given.sample);
  if (sample !== undefined && given.after !== undefined) {
    throw new UsageError('--sample: expected without --after, since a sample has no order to go on in');
  }
  const megabytes = positive('--megabytes-per-second', given['megabytes-per-second']);
  return {
    since,
    sample,
    afterId: given.after,
    maxBytesPerSecond: megabytes === undefined ? undefined : megabytes * 1e6,
  };
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError(`${name}: expected a whole number from 1, got ${text}`);
}

async function status({ knex }: Database): Promise<void> {
  const { BLOB_STORE_MAX_BYTES } = readEnvironment(['BLOB_STORE_MAX_BYTES']);
  const figures = await readStoreFigures(knex, BLOB_STORE_MAX_BYTES);
  const row = (name: string, blobs: number | null, bytes: number | null): string[] => [
    name,
    blobs === null ? '' : String(blobs),
    bytes === null ? 'none' : megabytes(bytes),
  ];
  printTable([
    ['WHAT', 'BLOBS', 'MB'],
    ...figures.kinds.map(({ kind, blobs, bytes }) => row(kind, blobs, bytes)),
    row('orphans', figures.orphans.blobs, figures.orphans.bytes),
    row('all', figures.blobs, figures.bytes),
  ]);
  console.log();
  printTable([
    ['ROOM', '', 'MB'],
    row('promised to open jobs and uploads', null, figures.reservedBytes),
    row('on disk', null, figures.diskBytes),
    row('limit (BLOB_STORE_MAX_BYTES)', null, figures.limitBytes),
    row('free', null, figures.freeBytes),
  ]);
}

/** Exit code 1 where a blob is not right. */
async function verify({ knex, pool }: Database, options: VerifyOptions): Promise<void> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  let seen: Verified | undefined;
  const timer = setInterval(() => {
    if (seen !== undefined) console.error(tellProgress(seen));
  }, TELL_EVERY_MS);
  try {
    const done = await verifyBlobs(knex, createPostgresBlobStore(pool), {
      ...options,
      signal: stop.signal,
      onBlob: (progress) => (seen = progress),
      onProblem: (problem) => console.log(tellProblem(problem)),
    });
    console.log(tellProgress(done));
    if (done.problems > 0) process.exitCode = 1;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    const resume = seen?.lastId == null || options.sample !== undefined ? '' : `; go on with --after ${seen.lastId}`;
    console.error(`stopped: ${seen === undefined ? 'nothing verified' : tellProgress(seen)}${resume}`);
    process.exitCode = 1;
  } finally {
    clearInterval(timer);
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

const tellProgress = ({ blobs, bytes, problems, lastId }: Verified): string =>
  `${blobs} blobs verified, ${megabytes(bytes)} MB, ${problems} wrong; the last one is ${lastId ?? 'none'}`;

function tellProblem({ blobId, sha256, sizeBytes, wrong, referredBy }: BlobProblem): string {
  const rows = referredBy.length === 0 ? ['nothing refers to it'] : referredBy;
  return [
    `WRONG ${blobId} ${megabytes(sizeBytes)} MB, sha256 ${sha256}: ${wrong}`,
    ...rows.map((row) => `  ${row}`),
  ].join('\n');
}

await runTool('storage', USAGE, async () => {
  const command = parseCommand(process.argv.slice(2));
  const { DATABASE_URL } = readEnvironment(['DATABASE_URL']);
  const database = openDatabase(DATABASE_URL, { applicationName: 'storage', poolMax: 2, streamPoolMax: 1 });
  try {
    await command(database);
  } finally {
    await database.close();
  }
});
