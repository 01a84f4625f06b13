import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { findKeyHolder } from '../storage/owners-repository.js';
import { useDatabase } from '../test/support/use-database.js';

const database = useDatabase();

async function run(args: string[], url: string | undefined = database.url) {
  const { DATABASE_URL: _outer, ...rest } = process.env;
  const env = url === '' ? rest : { ...rest, DATABASE_URL: url };
  const child = execFile(process.execPath, ['--import', 'tsx', 'tools/keys.ts', ...args], { env });
  let out = '';
  let err = '';
  child.stdout?.on('data', (text: string) => (out += text));
  child.stderr?.on('data', (text: string) => (err += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

describe('npm run keys', () => {
  test('makes the first owner and a key that works, writes the key alone to standard output, lists and revokes it', async () => {
    const created = await run(['create', '--owner', 'Villas Ltd', '--name', 'ci', '--expires-days', '30']);
    expect(created.code).toBe(0);
    const key = created.out.trim();
    expect(created.out).toBe(`${key}\n`);
    const holder = await findKeyHolder(database.knex, key);
    expect(holder).toBeDefined();
    const listed = await run(['list', '--owner', 'Villas Ltd']);
    expect(listed.out).toContain(`${holder?.keyId}  Villas Ltd  ci `);
    expect(listed.out).not.toContain(key);
    expect((await run(['revoke', holder?.keyId ?? ''])).code).toBe(0);
    expect(await findKeyHolder(database.knex, key)).toBeUndefined();
  });

  test.each([
    [[], 'expected create, list, revoke or limits, got nothing'],
    [['make'], 'got make'],
    [['create'], 'expected --owner NAME'],
    [['create', '--owner', ' '], '--owner: expected 1 to 200 characters, got 0'],
    [['create', '--owner', 'x', '--expires-days', '0'], '--expires-days: expected a whole number from 1'],
    [['create', '--owner', 'x', '--days', '1'], '--days'],
    [['revoke', 'abc'], 'expected one key id'],
    [['limits'], 'limits: expected --owner NAME'],
    [['limits', '--owner', 'x', '--daily-cap', '-1'], '--daily-cap'],
    [['limits', '--owner', 'x', '--daily-cap', '1e9'], '--daily-cap: expected US dollars'],
    [['limits', '--owner', 'x', '--open-purchases', '0'], '--open-purchases: expected a whole number'],
  ])('says for %j what was expected, and exits with 2', async (args, said) => {
    const { code, out, err } = await run(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(said);
    expect(err).toContain('usage:');
  });

  test('makes an admin key where it is asked for', async () => {
    const { out, err } = await run(['create', '--owner', 'Operator', '--admin']);
    expect((await findKeyHolder(database.knex, out.trim()))?.admin).toBe(true);
    expect(err).toContain('keys: admin key ');
  });

  test("sets an owner's limits, takes them away, and tells how they stand", async () => {
    await run(['create', '--owner', 'Limited']);
    const set = await run(['limits', '--owner', 'Limited', '--daily-cap', '12.5', '--open-purchases', '3']);
    expect([set.code, set.out]).toEqual([0, expect.stringMatching(/\nLimited +12\.5 +3\n/)]);
    const row = await database.knex('owners').where({ name: 'Limited' }).first();
    expect([row.daily_cap_usd, row.open_purchases]).toEqual([12.5, 3]);
    expect((await run(['limits', '--owner', 'Limited', '--daily-cap', 'none'])).out).toMatch(/\nLimited +none +3\n/);
    const nobody = await run(['limits', '--owner', 'Nobody', '--daily-cap', '1']);
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('there is no owner Nobody')]);
  });

  test('says that DATABASE_URL is missing, and exits with 1', async () => {
    const { code, err } = await run(['list'], '');
    expect(code).toBe(1);
    expect(err).toContain('DATABASE_URL: expected postgres://');
    expect(err).not.toContain('    at ');
  });

  test('exits with 1 for a key that is not there', async () => {
    const { code, err } = await run(['revoke', '01890a5d-ac96-774b-bcce-b302099a8057']);
    expect(code).toBe(1);
    expect(err).toContain('there is no key 01890a5d-ac96-774b-bcce-b302099a8057');
  });
});
