/** Lists, models and what was bought, read by the real npm client. Videos are instant here: nothing is rendered. */
import type { Prediction } from 'replicate';
import Replicate from 'replicate';
import { describe, expect, it } from 'vitest';
import { bought, call, startTestServer, TOKEN, VEO_31_VERSION } from './test-kit.js';

const OPTIONS = { model: 'google/veo-3.1-fast', input: { prompt: 'A kitchen', duration: 4 } };

describe('listing', () => {
  const names = (results: { input: object }[]) => results.map((result) => (result.input as { prompt: string }).prompt);

  async function withPredictions(count: number) {
    const server = await startTestServer({ instant: true });
    for (let n = 0; n < count; n += 1) {
      await server.client.predictions.create({ ...OPTIONS, input: { prompt: `p${n}` } });
    }
    return server;
  }

  it('gives 100 a page, newest first, and the client’s paginate finds every one exactly once', async () => {
    const server = await withPredictions(230);
    const pages: string[][] = [];
    for await (const results of server.client.paginate(() => server.client.predictions.list()))
      pages.push(names(results));
    expect(pages.map((one) => one.length)).toEqual([100, 100, 30]);
    expect(pages.flat()).toEqual(Array.from({ length: 230 }, (_, n) => `p${229 - n}`));
  });

  it('leads back by previous, and predictions made meanwhile do not shift the pages', async () => {
    const server = await withPredictions(150);
    const list = async (url: string) =>
      (await (await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } })).json()) as {
        next: string | null;
        previous: string | null;
        results: Prediction[];
      };
    const first = await list(`${server.url}/predictions`);
    expect(first.previous).toBeNull();
    await server.client.predictions.create({ ...OPTIONS, input: { prompt: 'meanwhile' } });
    const second = await list(String(first.next));
    expect(names(second.results)).toEqual(Array.from({ length: 50 }, (_, n) => `p${49 - n}`));
    expect(second.next).toBeNull();
    const back = await list(String(second.previous));
    expect(names(back.results)).toEqual(names(first.results));
    expect(names((await list(String(back.previous))).results)[0]).toBe('meanwhile');
  });

  it('filters by created_after (inclusive), created_before (exclusive) and source, also across pages', async () => {
    const server = await withPredictions(3);
    const [newest, middle] = (await server.client.predictions.list()).results;
    if (newest === undefined || middle === undefined) throw new Error('expected three predictions');
    const list = async (query: string) => {
      const answer = await call(server, 'GET', `/predictions?${query}`);
      return ((await answer.json()) as { results: Prediction[] }).results;
    };
    const at = (prediction: Prediction) => encodeURIComponent(prediction.created_at);
    const after = await list(`created_after=${at(middle)}`);
    expect(after.every((one) => one.created_at >= middle.created_at)).toBe(true);
    expect(after.map((one) => one.id)).toContain(middle.id);
    const before = await list(`created_before=${at(newest)}`);
    expect(before.every((one) => one.created_at < newest.created_at)).toBe(true);
    expect(before.map((one) => one.id)).not.toContain(newest.id);
    expect(await list('source=web')).toEqual([]);
  });

  it.each(['created_after=yesterday', 'source=moon', 'cursor=xyz'])('refuses %s', async (query) => {
    const server = await startTestServer();
    expect((await call(server, 'GET', `/predictions?${query}`)).status).toBe(400);
  });
});

describe('account and models', () => {
  it('are what the client reads', async () => {
    const server = await startTestServer();
    expect(await server.client.accounts.current()).toMatchObject({ type: 'user', username: 'local' });
    const model = await server.client.models.get('google', 'veo-3.1');
    expect(model).toMatchObject({
      owner: 'google',
      name: 'veo-3.1',
      is_official: true,
      run_count: 0,
      latest_version: { id: VEO_31_VERSION },
    });
    const schema = model.latest_version?.openapi_schema as {
      components: { schemas: { Input: { properties: Record<string, unknown> } } };
    };
    expect(Object.keys(schema.components.schemas.Input.properties)).toContain('reference_images');
    expect((await call(server, 'GET', '/models/google/veo-9')).status).toBe(404);
    expect((await call(server, 'GET', '/nothing/here')).status).toBe(404);
  });

  it('work with a base URL that ends in a slash', async () => {
    const server = await startTestServer();
    const client = new Replicate({ auth: TOKEN, baseUrl: `${server.url}/` });
    expect(await client.accounts.current()).toMatchObject({ username: 'local' });
  });
});

describe('what was bought', () => {
  it('is listed with its price at both roots, without a token', async () => {
    const server = await startTestServer({ instant: true });
    const rows: [`${string}/${string}`, object, number][] = [
      ['google/veo-3', { prompt: 'a' }, 3.2],
      ['google/veo-3', { prompt: 'a', generate_audio: false }, 1.6],
      ['google/veo-3-fast', { prompt: 'a', duration: 6 }, 0.9],
      ['google/veo-3.1-fast', { prompt: 'a', generate_audio: false }, 0.8],
      ['minimax/hailuo-02', { prompt: 'a' }, 0.3],
    ];
    for (const [model, input] of rows) await server.client.predictions.create({ model, input, wait: 10 });
    const list = await bought(server);
    expect(list.map((one) => [one.model, one.input, one.priceUsd])).toEqual(rows);
    expect(list[0]).toMatchObject({ status: 'succeeded', webhook: null, deliveries: [] });
    expect(await bought({ origin: server.url })).toEqual(list);
  });
});
