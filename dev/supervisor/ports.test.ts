import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { choosePorts, isFree } from './ports.js';

let folder: string;
let file: string;
const servers: Server[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ports-'));
  file = join(folder, 'ports.json');
});

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

function listen(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    servers.push(server);
    server.listen(port, '127.0.0.1', resolve);
  });
}

test('ports are distinct, free, and below the range of outgoing connections', async () => {
  const ports = await choosePorts(file, ['api', 'postgres', 'temporal']);
  const numbers = Object.values(ports);
  expect(new Set(numbers).size).toBe(3);
  for (const port of numbers) {
    expect(port).toBeLessThan(32_768);
    expect(await isFree(port)).toBe(true);
  }
});

test('the same ports are given again while they are free', async () => {
  const first = await choosePorts(file, ['api', 'postgres']);
  expect(await choosePorts(file, ['api', 'postgres'])).toEqual(first);
});

test('only the port that somebody else has taken is chosen anew', async () => {
  const first = await choosePorts(file, ['api', 'postgres']);
  await listen(first.api);
  const second = await choosePorts(file, ['api', 'postgres']);
  expect(second.api).not.toBe(first.api);
  expect(second.postgres).toBe(first.postgres);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(second);
});

test('two names never get the one port that the file gives to both', async () => {
  const { api } = await choosePorts(file, ['api']);
  writeFileSync(file, JSON.stringify({ api, postgres: api }));
  const ports = await choosePorts(file, ['api', 'postgres']);
  expect(ports.api).toBe(api);
  expect(ports.postgres).not.toBe(api);
});

test('a remembered value that is no port is replaced', async () => {
  writeFileSync(file, JSON.stringify({ api: 'eighty', postgres: 0 }));
  const ports = await choosePorts(file, ['api', 'postgres']);
  expect(await isFree(ports.api)).toBe(true);
  expect(ports.postgres).toBeGreaterThan(0);
});
