import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { musicModel } from '../domain/music.js';
import { startTestReplicate, type TestReplicate } from '../test/support/local-replicate.js';
import { errorOfPrediction } from './classify.js';
import { createReplicateProvider } from './replicate-provider.js';
import type { CreateResult } from './video-provider.js';
import { describeVideoProvider } from './video-provider-contract.js';

let replicate: TestReplicate;
beforeAll(async () => {
  replicate = await startTestReplicate();
});
afterAll(() => replicate.close());

describeVideoProvider('the adapter on a local Replicate', () => ({
  provider: replicate.provider,
  async succeed(id) {
    while ((await replicate.provider.get(id)).status !== 'succeeded') await sleep(10);
  },
}));

/** A server that answers so, by default never. */
async function listen(
  answer: (response: ServerResponse) => void = () => undefined,
): Promise<{ server: Server; port: number }> {
  const server = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

describe('createReplicateProvider', () => {
  const create = (input: Record<string, unknown>): Promise<CreateResult> =>
    replicate.provider.create({
      model: 'google/veo-3.1-fast',
      input: { prompt: 'a room', duration: 4, ...input },
      cancelAfterSeconds: 1800,
      signal: AbortSignal.timeout(5_000),
    });
  const createdWith = async (prompt: string): Promise<number> =>
    (await replicate.bought()).filter(({ input }) => input['prompt'] === prompt).length;

  it.each([
    ['http-429', 'not-created', 'PROVIDER_RATE_LIMITED', 0],
    ['http-402', 'not-created', 'PROVIDER_ACCOUNT', 0],
    ['http-500', 'unknown', 'PROVIDER_UNAVAILABLE', 0],
    ['created-500', 'unknown', 'PROVIDER_UNAVAILABLE', 1],
    ['lost-answer', 'unknown', 'PROVIDER_UNAVAILABLE', 1],
  ])('after %s a create is %s (%s), and it was posted once', async (fault, kind, code, made) => {
    const prompt = `a room, ${fault}`;
    // Armed once: a client that repeats its POST would get through the second time.
    await replicate.arm({ fault, match: { promptIncludes: prompt } });
    const result = await create({ prompt });
    expect(result).toMatchObject({ kind, error: { code } });
    expect(await createdWith(prompt)).toBe(made);
  });

  it('runs a version where the model does not run by its name', async () => {
    const { replicateModel: model, version } = musicModel('musicgen');
    const request = { model, input: { prompt: 'a harp', seed: 77 }, cancelAfterSeconds: 1800 };
    const signal = AbortSignal.timeout(5_000);
    const named = await replicate.provider.create({ ...request, signal });
    expect(named).toMatchObject({ kind: 'not-created', error: { code: 'PROVIDER_NOT_FOUND' } });
    const made = await replicate.provider.create({ ...request, version: String(version), signal });
    expect(made).toMatchObject({ kind: 'created', prediction: { model, input: { seed: 77 } } });
  });

  it('says how long to wait when it is throttled', async () => {
    await replicate.arm({ fault: 'http-429', match: { promptIncludes: 'throttled' } });
    const result = await create({ prompt: 'throttled' });
    expect(result.kind === 'not-created' && (result.error.retryAfterMs ?? 0)).toBeGreaterThan(0);
  });

  it('knows an input that the model refuses as not created', async () => {
    expect(await create({ duration: 5 })).toMatchObject({
      kind: 'not-created',
      error: { code: 'PROVIDER_REJECTED_INPUT', message: expect.stringContaining('duration') },
    });
  });

  it('knows a connection that was refused as not created, since nothing was sent', async () => {
    const { server, port } = await listen();
    await new Promise((resolve) => server.close(resolve));
    const provider = createReplicateProvider({ token: 'r8_test', baseUrl: `http://127.0.0.1:${port}/v1` });
    const result = await provider.create({
      model: 'google/veo-3.1-fast',
      input: { prompt: 'a room' },
      cancelAfterSeconds: 1800,
      signal: AbortSignal.timeout(5_000),
    });
    expect(result).toMatchObject({ kind: 'not-created', error: { code: 'PROVIDER_UNAVAILABLE' } });
  });

  it('does not know what became of a POST that was given up', async () => {
    const { server, port } = await listen();
    const provider = createReplicateProvider({ token: 'r8_test', baseUrl: `http://127.0.0.1:${port}/v1` });
    const result = await provider.create({
      model: 'google/veo-3.1-fast',
      input: { prompt: 'a room' },
      cancelAfterSeconds: 1800,
      signal: AbortSignal.timeout(50),
    });
    expect(result).toMatchObject({ kind: 'unknown', error: { code: 'PROVIDER_UNAVAILABLE' } });
    server.closeAllConnections();
    server.close();
  });

  it.each([
    [400, 'PROVIDER_UNAVAILABLE', 'PROVIDER_UNAVAILABLE'],
    [404, 'PROVIDER_NOT_FOUND', 'PROVIDER_UNAVAILABLE'],
    [422, 'PROVIDER_UNAVAILABLE', 'PROVIDER_UNAVAILABLE'],
    [402, 'PROVIDER_ACCOUNT', 'PROVIDER_ACCOUNT'],
  ])('a look that is answered %i says %s of a prediction and %s of the list', async (status, ofOne, ofList) => {
    const { server, port } = await listen((response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end('{"detail": "input validation error"}');
    });
    const provider = createReplicateProvider({ token: 'r8_test', baseUrl: `http://127.0.0.1:${port}/v1` });
    await expect(provider.get('p1')).rejects.toMatchObject({ code: ofOne, details: { status } });
    const all = async (): Promise<void> => {
      for await (const _one of provider.list({ createdAfter: new Date(0) })) continue;
    };
    await expect(all()).rejects.toMatchObject({ code: ofList, details: { status } });
    server.close();
  });

  it('cuts no character of a reason in half, which the ledger could not keep', () => {
    const { message } = errorOfPrediction('p1', `${'x'.repeat(496)}\u{1f3e0}\u{1f3e0}\u{1f3e0}`);
    expect(message).toMatch(/x\ufffd\.\.\.$/);
  });

  it.each([
    ['https://example.com/output.mp4'],
    ['http://replicate.delivery/output.mp4'],
    ['https://replicate.delivery.example.com/output.mp4'],
    ['https://replicate.delivery:8443/output.mp4'],
    ['file:///etc/passwd'],
    ['not a url'],
  ])('fetches nothing from %s', async (url) => {
    await expect(replicate.provider.openOutput(url)).rejects.toMatchObject({ code: 'OUTPUT_HOST_REFUSED' });
  });

  it('says OUTPUT_LOST for a dead link', async () => {
    const dead = `${replicate.server.origin}/_delivery/nothing/output.mp4`;
    await expect(replicate.provider.openOutput(dead)).rejects.toMatchObject({ code: 'OUTPUT_LOST' });
  });

  it('never shows its token in an error', async () => {
    await replicate.arm({ fault: 'http-402', match: { promptIncludes: 'secretive' } });
    const result = await create({ prompt: 'secretive' });
    expect(inspect(result, { depth: 20, showHidden: true })).not.toContain('r8_test');
  });
});
