/** The real process: killed in the middle, started again on the same folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Replicate from 'replicate';
import { expect, it, onTestFinished } from 'vitest';
import { download, endlessFfmpeg, probe, processRunsWith } from './media-kit.js';
import {
  armFault,
  boughtOne,
  MUSICGEN_VERSION,
  startReceiver,
  TOKEN,
  temporaryFolder,
  until,
  untilStatus,
} from './test-kit.js';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

interface Process {
  child: ChildProcess;
  exited: Promise<{ code: number | null; signal: string | null }>;
  output: () => string;
}

function start(environment: Record<string, string>): Process {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN], {
    env: { ...process.env, LOG_LEVEL: 'info', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return { child, exited, output: () => output };
}

async function startListening(environment: Record<string, string>) {
  const running = start(environment);
  const url = await until('it listens', () => {
    if (running.child.exitCode !== null) throw new Error(`it has ended: ${running.output()}`);
    return /"url":"([^"]+)"/.exec(running.output())?.[1];
  });
  return { ...running, url, origin: url.replace(/\/v1$/, ''), client: new Replicate({ auth: TOKEN, baseUrl: url }) };
}

it('killed in the middle of everything, it goes on where it was', async () => {
  const dir = temporaryFolder();
  const environment = {
    PORT: String(await freePort()),
    LOCAL_REPLICATE_DIR: dir,
    // The first process does not get to its second attempt.
    LOCAL_REPLICATE_WEBHOOK_RETRY_BASE_MS: '600000',
  };
  const receiver = await startReceiver([{ status: 503 }, { status: 200 }]);
  const before = await startListening(environment);
  const { client } = before;
  const completed = { webhook: receiver.url, webhook_events_filter: ['completed' as const] };

  const secret = await client.webhooks.default.secret.get();
  const file = await client.files.create(Buffer.from('kept'));
  await armFault(before, { fault: 'fail', times: 3 });
  const struck = await client.predictions.create({ version: MUSICGEN_VERSION, input: { prompt: 'x' }, ...completed });
  await until('the first attempt has failed', async () => {
    const [delivery] = (await boughtOne(before, struck.id)).deliveries;
    return delivery?.attempts.length === 1;
  });
  const faults = async () => (await fetch(`${before.origin}/_local/faults`)).json();
  const armed = await faults();
  expect(armed).toMatchObject([{ fault: 'fail', times: 3, remaining: 2 }]);
  await fetch(`${before.origin}/_local/faults`, { method: 'DELETE' });
  const clip = await client.predictions.create({
    model: 'google/veo-3.1-fast',
    input: { prompt: 'A walk', duration: 4, resolution: '720p', generate_audio: false },
    ...completed,
  });
  await until('ffmpeg runs', () => processRunsWith(join(dir, 'rendering')));
  await armFault(before, { fault: 'hang', times: -1, match: { promptIncludes: 'never' } });
  const rearmed = await faults();
  before.child.kill('SIGKILL');
  expect(await before.exited).toEqual({ code: null, signal: 'SIGKILL' });
  const left = receiver.received.length;
  expect(left).toBe(1);

  const after = await startListening(environment);
  expect(after.url).toBe(before.url);
  const done = await untilStatus(after.client, clip.id, 'succeeded', 'failed');
  expect(done).toMatchObject({ status: 'succeeded', error: null });
  expect((await probe(await download(done.output, dir, 'clip.mp4'))).streams).toMatchObject([{ nb_frames: '96' }]);
  await until('both webhooks have arrived', () => receiver.received.length === 3);
  const [first, ...later] = receiver.received;
  const again = later.find((one) => one.prediction.id === struck.id);
  expect(again?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
  expect(again?.body).toBe(first?.body);
  expect(later.find((one) => one.prediction.id === clip.id)?.prediction.status).toBe('succeeded');

  expect(await after.client.webhooks.default.secret.get()).toEqual(secret);
  expect(await after.client.files.get(file.id)).toEqual(file);
  expect(await faults()).toEqual(rearmed);
  await until('the render of the killed process has ended, too', () => !processRunsWith(join(dir, 'rendering')));
  expect(readdirSync(join(dir, 'rendering'))).toEqual([]);
});

it.each(['SIGTERM', 'SIGINT'] as const)(
  'on %s it kills its renders, keeps them unfinished, and exits with 0',
  async (signal) => {
    const dir = temporaryFolder();
    const running = await startListening({ PORT: '0', LOCAL_REPLICATE_DIR: dir, FFMPEG_PATH: endlessFfmpeg() });
    const input = { prompt: 'A walk' };
    const { id } = await running.client.predictions.create({ model: 'google/veo-3.1', input });
    await until('ffmpeg runs', () => processRunsWith(join(dir, 'rendering')));
    running.child.kill(signal);
    expect(await running.exited).toEqual({ code: 0, signal: null });
    expect(processRunsWith(join(dir, 'rendering'))).toBe(false);
    expect(readdirSync(join(dir, 'rendering'))).toEqual([]);
    const record = JSON.parse(readFileSync(join(dir, 'predictions', `${id}.json`), 'utf8')) as { status: string };
    expect(record.status).toBe('processing');
  },
);

it('says which variable is wrong and does not start', async () => {
  const running = start({ PORT: 'many', LOCAL_REPLICATE_DIR: temporaryFolder() });
  expect((await running.exited).code).not.toBe(0);
  expect(running.output()).toContain('expected PORT to be a whole number, got "many"');
});
