import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { armFault, boughtOne, call, INSTANT_BYTES, MUSICGEN_VERSION, startTestServer, until } from './test-kit.js';

const OPTIONS = { model: 'google/veo-3.1-fast', input: { prompt: 'A kitchen' }, wait: 10 } as const;
const SIZE = INSTANT_BYTES.length;

describe('an output link', () => {
  it.each([
    ['bytes=0-0', 206, `bytes 0-0/${SIZE}`, [0, 1]],
    ['bytes=100-199', 206, `bytes 100-199/${SIZE}`, [100, 200]],
    ['bytes=-500', 206, `bytes ${SIZE - 500}-${SIZE - 1}/${SIZE}`, [SIZE - 500, SIZE]],
    [`bytes=${SIZE - 10}-99999`, 206, `bytes ${SIZE - 10}-${SIZE - 1}/${SIZE}`, [SIZE - 10, SIZE]],
    ['bytes=0-1,5-9', 200, null, [0, SIZE]],
    ['abc', 200, null, [0, SIZE]],
  ] as const)('answers Range %s with %i', async (range, status, contentRange, [start, end]) => {
    const server = await startTestServer({ instant: true });
    const { output } = await server.client.predictions.create(OPTIONS);
    const answer = await fetch(String(output), { headers: { range } });
    expect([answer.status, answer.headers.get('content-range')]).toEqual([status, contentRange]);
    expect(answer.headers.get('content-length')).toBe(String(end - start));
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(INSTANT_BYTES.subarray(start, end));
  });

  it('answers a range past the end with 416, and HEAD without a body', async () => {
    const server = await startTestServer({ instant: true });
    const { output } = await server.client.predictions.create(OPTIONS);
    const past = await fetch(String(output), { headers: { range: `bytes=${SIZE}-` } });
    expect([past.status, past.headers.get('content-range')]).toEqual([416, `bytes */${SIZE}`]);
    const head = await fetch(String(output), { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), head.headers.get('accept-ranges')]).toEqual([
      200,
      String(SIZE),
      'bytes',
    ]);
    expect(head.headers.get('content-type')).toBe('video/mp4');
  });

  it('does not exist with another token or name', async () => {
    const server = await startTestServer({ instant: true });
    const { output } = await server.client.predictions.create(OPTIONS);
    expect((await fetch(String(output).replace('output.mp4', 'other.mp4'))).status).toBe(404);
    expect((await fetch(`${server.origin}/_delivery/${'a'.repeat(43)}/output.mp4`)).status).toBe(404);
  });
});

it('after its time input, output and logs are gone, the link is dead, and only what was bought keeps the input', async () => {
  const server = await startTestServer({ outputTtlMs: 2_500 });
  const created = await server.client.predictions.create({
    version: MUSICGEN_VERSION,
    input: { prompt: 'calm', duration: 1 },
    wait: 30,
  });
  expect(created).toMatchObject({ status: 'succeeded', data_removed: false });
  const output = String(created.output);
  expect((await fetch(output)).status).toBe(200);
  const removed = await until('the data is removed', async () => {
    const prediction = await server.client.predictions.get(created.id);
    return prediction.data_removed ? prediction : undefined;
  });
  expect(removed).toMatchObject({ status: 'succeeded', input: {}, output: null, logs: '', error: null });
  expect(Date.now() - Date.parse(String(created.completed_at))).toBeGreaterThanOrEqual(2_500);
  expect((await server.client.predictions.list()).results).toMatchObject([{ input: {}, data_removed: true }]);
  expect((await fetch(output)).status).toBe(404);
  expect(await boughtOne(server, created.id)).toMatchObject({ input: { prompt: 'calm', duration: 1 }, priceUsd: 0.07 });
  await until('its file is removed', () => readdirSync(join(server.dir, 'outputs')).length === 0);
  // The render itself stays for the next one who orders the same.
  expect(readdirSync(join(server.dir, 'render-cache'))).toHaveLength(1);
});

it('what instant predictions share is never removed', async () => {
  const server = await startTestServer({ instant: true, outputTtlMs: 100 });
  const { id } = await server.client.predictions.create(OPTIONS);
  await until('the data is removed', async () => (await server.client.predictions.get(id)).data_removed);
  await until('it is swept', async () => {
    const list = (await (await call({ url: server.origin }, 'GET', '/_local/predictions')).json()) as {
      dataRemoved: boolean;
    }[];
    return list[0]?.dataRemoved;
  });
  expect(existsSync(join(server.dir, 'instant.mp4'))).toBe(true);
});

describe('an output struck by a fault', () => {
  async function succeeded(fault: Record<string, unknown>) {
    const server = await startTestServer({ instant: true });
    await armFault(server, fault);
    const { output } = await server.client.predictions.create(OPTIONS);
    return { server, output: String(output) };
  }

  it('truncated-file: the full length is announced, half is sent; the next download is whole', async () => {
    const { output } = await succeeded({ fault: 'truncated-file' });
    expect((await fetch(output, { method: 'HEAD' })).headers.get('content-length')).toBe(String(INSTANT_BYTES.length));
    const cut = await fetch(output);
    expect(cut.status).toBe(200);
    expect(cut.headers.get('content-length')).toBe(String(INSTANT_BYTES.length));
    const chunks: Uint8Array[] = [];
    const read = async () => {
      for await (const chunk of cut.body ?? []) chunks.push(chunk);
    };
    await expect(read()).rejects.toThrow('terminated');
    expect(Buffer.concat(chunks)).toEqual(INSTANT_BYTES.subarray(0, INSTANT_BYTES.length / 2));
    expect(Buffer.from(await (await fetch(output)).arrayBuffer())).toEqual(INSTANT_BYTES);
  });

  it('truncated-file with bytes: that many are sent, every time while it is armed', async () => {
    const { output } = await succeeded({ fault: 'truncated-file', bytes: 0, times: -1 });
    for (let n = 0; n < 2; n += 1) {
      const cut = await fetch(output);
      expect(cut.headers.get('content-length')).toBe(String(INSTANT_BYTES.length));
      await expect(cut.arrayBuffer()).rejects.toThrow('terminated');
    }
  });

  it('expired-output: the link is 404 at once', async () => {
    const { output } = await succeeded({ fault: 'expired-output' });
    expect((await fetch(output)).status).toBe(404);
  });
});
