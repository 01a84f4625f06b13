import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { createTestDatabase, createUnmigratedTestDatabase, type TestDatabase } from '../test/support/postgres.js';

let database: TestDatabase;
const children: ChildProcess[] = [];
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await database.drop();
});

/** The api as a process of its own, with nothing in its environment but what is given. */
function start(env: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'api/main.ts'], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  return { child, exited: once(child, 'exit') as Promise<[number | null]>, output: () => output };
}

const environment = (): Record<string, string> => ({
  DATABASE_URL: database.url,
  TEMPORAL_ADDRESS: inject('temporal').address,
  TEMPORAL_NAMESPACE: inject('temporal').namespace,
  REPLICATE_API_TOKEN: 'r8_token_of_the_test',
  SECRET_KEY: 'a secret of the tests, 32 characters or more',
  PORT: '0',
});

describe('the api process', () => {
  test('serves with nothing but its environment, and ends with 0 on SIGTERM', async () => {
    const { child, exited, output } = start(environment());
    await expect.poll(output, { timeout: 20_000 }).toContain('"msg":"listening"');
    const url = /"url":"([^"]+)"/.exec(output())?.[1];
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    for (const secret of ['r8_token_of_the_test', 'a secret of the tests']) expect(output()).not.toContain(secret);
  });

  test('ends with 0 on SIGTERM also while Temporal cannot be reached', async () => {
    const { child, exited, output } = start({ ...environment(), TEMPORAL_ADDRESS: '127.0.0.1:1' });
    await expect.poll(output, { timeout: 20_000 }).toContain('"msg":"listening"');
    const url = /"url":"([^"]+)"/.exec(output())?.[1];
    const checks = await Promise.all(Array.from({ length: 5 }, () => fetch(`${url}/health/ready`)));
    expect(checks.map(({ status }) => status)).toEqual(Array(5).fill(503));
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(output()).not.toContain('Channel has been shut down');
  });

  test('refuses to start without its secrets, and names them', async () => {
    const { SECRET_KEY: _key, REPLICATE_API_TOKEN: _token, ...rest } = environment();
    const { exited, output } = start(rest);
    expect((await exited)[0]).toBe(1);
    expect(output()).toContain('SECRET_KEY: expected at least 32 characters');
    expect(output()).toContain('REPLICATE_API_TOKEN');
  });

  test('refuses to start on a database without its schema', async () => {
    const empty = await createUnmigratedTestDatabase();
    try {
      const { exited, output } = start({ ...environment(), DATABASE_URL: empty.url });
      expect((await exited)[0]).toBe(1);
      expect(output()).toContain('run npm run migrate first');
    } finally {
      await empty.drop();
    }
  });
});
