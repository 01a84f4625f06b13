/** API keys and limits of owners from the command line: the first owner and the first key are made here and by no route. */
import type { Knex } from 'knex';
import { validate as isUuid } from 'uuid';
import { readEnvironment } from '../config/environment.js';
import { ReelwrightError } from '../domain/errors.js';
import { openDatabase } from '../storage/database.js';
import { createApiKey, listApiKeys, revokeApiKey, setOwnerLimits } from '../storage/owners-repository.js';
import { printTable, readOptions, runTool, UsageError } from './command-line.js';

const USAGE = `usage:
  npm run keys -- create --owner NAME [--name LABEL] [--expires-days N] [--admin]
  npm run keys -- list [--owner NAME]
  npm run keys -- revoke KEY-ID
  npm run keys -- limits --owner NAME [--daily-cap USD|none] [--open-purchases N|none]`;

const MAX_NAME = 200;
const MAX_DAYS = 36_500;
const MAX_CAP_USD = 100_000;
const MAX_OPEN = 10_000;

type Command = (knex: Knex) => Promise<void>;

/** Reads the command line; throws UsageError before anything is opened. */
function parseCommand(args: readonly string[]): Command {
  const [command, ...rest] = args;
  switch (command) {
    case 'create': {
      const { admin, ...values } = readOptions(rest, ['owner', 'name', 'expires-days'], ['admin']);
      const owner = ownerName(command, values['owner']);
      const name = label('--name', values['name']);
      const expiresInDays = days(values['expires-days']);
      return (knex) =>
        create(knex, {
          owner,
          admin: admin === true,
          ...(name === undefined ? {} : { name }),
          ...(expiresInDays === undefined ? {} : { expiresInDays }),
        });
    }
    case 'list': {
      const { owner } = readOptions(rest, ['owner']);
      return (knex) => list(knex, owner);
    }
    case 'revoke': {
      const [keyId, ...more] = rest;
      if (keyId === undefined || more.length > 0 || !isUuid(keyId)) {
        throw new UsageError(`revoke: expected one key id (UUID text, see list), got ${rest.join(' ') || 'nothing'}`);
      }
      return (knex) => revoke(knex, keyId);
    }
    case 'limits': {
      const values = readOptions(rest, ['owner', 'daily-cap', 'open-purchases']);
      const owner = ownerName(command, values['owner']);
      const dailyCapUsd = bound('--daily-cap', values['daily-cap'], MONEY);
      const openPurchases = bound('--open-purchases', values['open-purchases'], COUNT);
      return (knex) => limits(knex, owner, { dailyCapUsd, openPurchases });
    }
    case undefined:
    default:
      throw new UsageError(`expected create, list, revoke or limits, got ${command ?? 'nothing'}`);
  }
}

function label(option: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (value.trim() === '' || value.length > MAX_NAME) {
    throw new UsageError(`${option}: expected 1 to ${MAX_NAME} characters, got ${value.trim().length}`);
  }
  return value.trim();
}

function ownerName(command: string, value: string | undefined): string {
  const owner = label('--owner', value);
  if (owner === undefined) throw new UsageError(`${command}: expected --owner NAME`);
  return owner;
}

interface Bounded {
  pattern: RegExp;
  max: number;
  expected: string;
}

/** Nothing finer than the millionths of a dollar that the tables hold. */
const MONEY: Bounded = { pattern: /^\d+(\.\d{1,6})?$/, max: MAX_CAP_USD, expected: `US dollars up to ${MAX_CAP_USD}` };
const COUNT: Bounded = { pattern: /^[1-9]\d*$/, max: MAX_OPEN, expected: `a whole number from 1 to ${MAX_OPEN}` };

/** Undefined for what is not given, null for `none`. */
function bound(
  option: string,
  value: string | undefined,
  { pattern, max, expected }: Bounded,
): number | null | undefined {
  if (value === undefined) return undefined;
  if (value === 'none') return null;
  if (pattern.test(value) && Number(value) <= max) return Number(value);
  throw new UsageError(`${option}: expected ${expected}, or none, got ${value}`);
}

function days(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < 1 || number > MAX_DAYS) {
    throw new UsageError(`--expires-days: expected a whole number from 1 to ${MAX_DAYS}, got ${value}`);
  }
  return number;
}

/** The key alone goes to standard output, so that a script can catch it; it cannot be shown again. */
async function create(knex: Knex, order: Parameters<typeof createApiKey>[1]): Promise<void> {
  const { id, key, expiresAt } = await createApiKey(knex, order);
  console.error(
    `keys: ${order.admin === true ? 'admin key' : 'key'} ${id} of ${order.owner}, ${expiresAt === null ? 'never expires' : `expires ${expiresAt.toISOString()}`}; it is shown this once:`,
  );
  console.log(key);
}

async function list(knex: Knex, owner: string | undefined): Promise<void> {
  const time = (date: Date | null): string => date?.toISOString() ?? '-';
  const rows = (await listApiKeys(knex, owner)).map((key) => [
    key.id,
    key.ownerName,
    key.name,
    key.admin ? 'yes' : '-',
    time(key.createdAt),
    time(key.expiresAt),
    time(key.revokedAt),
    time(key.lastUsedAt),
  ]);
  printTable([['ID', 'OWNER', 'NAME', 'ADMIN', 'CREATED', 'EXPIRES', 'REVOKED', 'LAST USED'], ...rows]);
}

async function revoke(knex: Knex, keyId: string): Promise<void> {
  if (!(await revokeApiKey(knex, keyId))) throw new ReelwrightError('NOT_FOUND', `there is no key ${keyId}`);
  console.error(`keys: key ${keyId} is revoked`);
}

/** Changes what is given and says how it stands then. */
async function limits(knex: Knex, owner: string, change: Parameters<typeof setOwnerLimits>[2]): Promise<void> {
  const set = await setOwnerLimits(knex, owner, change);
  if (set === undefined) throw new ReelwrightError('NOT_FOUND', `there is no owner ${owner}`);
  const shown = (value: number | null): string => (value === null ? 'none' : String(value));
  printTable([
    ['OWNER', 'DAILY CAP (USD)', 'OPEN PURCHASES'],
    [owner, shown(set.dailyCapUsd), shown(set.openPurchases)],
  ]);
}

await runTool('keys', USAGE, async () => {
  const command = parseCommand(process.argv.slice(2));
  const { DATABASE_URL } = readEnvironment(['DATABASE_URL']);
  const database = openDatabase(DATABASE_URL, { applicationName: 'keys', poolMax: 1 });
  try {
    await command(database.knex);
  } finally {
    await database.close();
  }
});
