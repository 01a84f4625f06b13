/** What every VideoProvider must do; run by the fake and by the adapter against a server that speaks Replicate's API. */
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { Prediction, VideoProvider } from './video-provider.js';

export interface ProviderUnderTest {
  provider: VideoProvider;
  /** Ends the prediction well, its output having some bytes. */
  succeed(id: string): Promise<void>;
}

const MODEL = 'google/veo-3.1-fast';

export function describeVideoProvider(name: string, setup: () => ProviderUnderTest): void {
  const order = (seed: number) =>
    ({
      model: MODEL,
      input: { prompt: 'a quiet room', duration: 4, resolution: '720p', seed },
      cancelAfterSeconds: 1800,
      signal: AbortSignal.timeout(10_000),
    }) as const;

  async function create(provider: VideoProvider, seed: number): Promise<Prediction> {
    const result = await provider.create(order(seed));
    if (result.kind !== 'created') throw result.error;
    return result.prediction;
  }

  describe(`${name}, as a VideoProvider`, () => {
    it('creates a prediction with the input as given, and gets it by its id', async () => {
      const { provider } = setup();
      const created = await create(provider, 101);
      expect(created).toMatchObject({ model: MODEL, input: { prompt: 'a quiet room', seed: 101 } });
      expect((await provider.get(created.id)).id).toBe(created.id);
    });

    it('says PROVIDER_NOT_FOUND for an id that was never given', async () => {
      const { provider } = setup();
      await expect(provider.get('nothing-of-the-kind')).rejects.toMatchObject({ code: 'PROVIDER_NOT_FOUND' });
      await expect(provider.cancel('nothing-of-the-kind')).rejects.toMatchObject({ code: 'PROVIDER_NOT_FOUND' });
    });

    it('lists what was created since a time, newest first, with the inputs by which it is recognised', async () => {
      const { provider } = setup();
      const before = new Date(Date.now() - 1);
      const ids = [await create(provider, 201), await create(provider, 202)].map(({ id }) => id);
      const listed: Prediction[] = [];
      for await (const prediction of provider.list({ createdAfter: before })) listed.push(prediction);
      expect(listed.filter(({ id }) => ids.includes(id)).map(({ input }) => input['seed'])).toEqual([202, 201]);
      const later: Prediction[] = [];
      for await (const prediction of provider.list({ createdAfter: new Date(Date.now() + 60_000) }))
        later.push(prediction);
      expect(later).toEqual([]);
    });

    it('gives the whole output of a prediction that succeeded', async () => {
      const { provider, succeed } = setup();
      const { id } = await create(provider, 301);
      await succeed(id);
      const { status, outputUrls } = await provider.get(id);
      expect(status).toBe('succeeded');
      const { body, contentLength } = await provider.openOutput(outputUrls[0] ?? '');
      expect((await buffer(body)).byteLength).toBe(contentLength);
      expect(contentLength).toBeGreaterThan(0);
    });

    it('leaves a prediction that has ended as it ended when it is cancelled', async () => {
      const { provider, succeed } = setup();
      const { id } = await create(provider, 401);
      await succeed(id);
      await provider.cancel(id);
      expect((await provider.get(id)).status).toBe('succeeded');
    });

    it('gives each uploaded file a link of its own', async () => {
      const { provider } = setup();
      const file = new Blob(['the same bytes'], { type: 'text/plain' });
      const first = await provider.uploadFile(file, { filename: 'a.txt' });
      const second = await provider.uploadFile(file, { filename: 'a.txt' });
      expect(first.url).not.toBe(second.url);
    });

    it('has a webhook secret that stays the same', async () => {
      const { provider } = setup();
      const secret = await provider.webhookSecret();
      expect(secret).toMatch(/^whsec_/);
      expect(await provider.webhookSecret()).toBe(secret);
    });
  });
}
