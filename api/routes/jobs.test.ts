import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newCampaign, uploadImage } from '../../test/support/api-fixtures.js';
import { type Caller, form, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { JobJson, SubJobsJson } from '../schemas/jobs.schema.js';

let api: RunningApi;
let anna: Caller;
let ben: Caller;
let temporalDown = false;
beforeAll(async () => {
  api = await startApi({
    deps: ({ jobStarter }) => ({
      jobStarter: {
        start: (job) => (temporalDown ? Promise.reject(new Error('Temporal is down')) : jobStarter.start(job)),
      },
    }),
  });
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
});
afterAll(() => api.stop());
beforeEach(() => {
  temporalDown = false;
  api.starts.length = 0;
});

const order = (caller: Caller, body: unknown) => caller.post<JobJson>('/api/v3/jobs', body);
const clips = (...prompts: string[]) => ({ kind: 'clips', clips: prompts.map((prompt) => ({ prompt })) });

/** Orders what must be refused, and sees that neither a row nor a workflow came of it. */
async function refused(body: unknown, headers?: Record<string, string>) {
  const before = [await api.countRows('jobs'), await api.countRows('clips')];
  const answer = await anna.post('/api/v3/jobs', body, headers);
  expect([await api.countRows('jobs'), await api.countRows('clips')]).toEqual(before);
  expect(api.starts).toEqual([]);
  return answer;
}

describe('an order of clips', () => {
  test('is answered with 202, the job and its Location, and its run is handed to Temporal', async () => {
    const [first, last] = [await uploadImage(anna, { red: 1 }), await uploadImage(anna, { red: 2 })];
    const campaign = await newCampaign(anna);
    const answer = await order(anna, {
      kind: 'clips',
      name: 'Villa Azul',
      campaignId: campaign.id,
      metadata: { ticket: 5 },
      clips: [
        {
          prompt: 'The pool at noon',
          firstImage: { assetId: first.id.toUpperCase() },
          lastImage: { assetId: last.id },
          durationSeconds: 4,
        },
        { prompt: 'The terrace', model: 'hailuo-2.3' },
      ],
    });
    expect(answer.status).toBe(202);
    const job = answer.data;
    expect(answer.headers.get('location')).toBe(`/api/v3/jobs/${job.id}`);
    expect(job).toMatchObject({
      kind: 'clips',
      name: 'Villa Azul',
      status: 'queued',
      progress: { stage: 'queued', percent: 0, clips: { pending: 2, total: 2 } },
      warnings: [],
      error: null,
      videoUrl: null,
      posterUrl: null,
      // 4 s at 0.10 and 6 s at 0.05.
      estimatedCostUsd: 0.7,
      actualCostUsd: 0,
      budgetUsd: null,
      campaignId: campaign.id,
      workflow: {
        id: `video-job-${job.id}`,
        url: `http://127.0.0.1:8233/namespaces/default/workflows/video-job-${job.id}`,
      },
      metadata: { ticket: 5 },
      completedAt: null,
    });
    expect(job.clips).toMatchObject([
      {
        number: 1,
        status: 'pending',
        attempt: 0,
        model: 'veo-3.1-fast',
        prompt: 'The pool at noon',
        durationSeconds: 4,
      },
      { number: 2, status: 'pending', attempt: 0, model: 'hailuo-2.3', prompt: 'The terrace', durationSeconds: 6 },
    ]);
    expect(job.clips[1]?.workflow.id).toBe(`video-job-${job.id}-clip-02`);
    expect(api.starts).toEqual([
      {
        jobId: job.id,
        ownerId: anna.ownerId,
        campaignId: campaign.id,
        runNumber: 1,
        name: 'Villa Azul',
        models: ['veo-3.1-fast', 'hailuo-2.3'],
        resolution: '1080p',
        clipCount: 2,
      },
    ]);
    expect((await anna.get<JobJson>(`/api/v3/jobs/${job.id}`)).data).toMatchObject({ id: job.id, status: 'queued' });
    const row = await api.database.knex('jobs').where({ id: job.id }).first();
    expect(row.run_started_at).toBeInstanceOf(Date);
    const clip = await api.database.knex('clips').where({ job_id: job.id, number: 1 }).first();
    expect([clip.first_asset_id, clip.last_asset_id]).toEqual([first.id, last.id]);
  });

  test('of 100 clips is taken', async () => {
    const answer = await order(anna, clips(...Array.from({ length: 100 }, (_, index) => `Clip ${index + 1}`)));
    expect(answer.status).toBe(202);
    expect(answer.data.clips).toHaveLength(100);
  });

  test('without a name is called after its campaign, else as its first prompt begins', async () => {
    const campaign = await newCampaign(anna, 'Casa Verde');
    expect((await order(anna, { ...clips('A prompt'), campaignId: campaign.id })).data.name).toBe('Casa Verde');
    expect((await order(anna, clips('The pool\n at noon'))).data.name).toBe('The pool at noon');
    const long = (await order(anna, clips(`${'word '.repeat(30)}`))).data.name;
    expect(long.length).toBeLessThanOrEqual(60);
    expect(long).toMatch(/^word word .*word…$/);
  });

  test('is still taken with 202 when Temporal is down, stays owed to the reconciler, and a warning is logged', async () => {
    temporalDown = true;
    const answer = await order(anna, clips('While Temporal is down'));
    expect(answer.status).toBe(202);
    expect(answer.data.status).toBe('queued');
    const row = await api.database.knex('jobs').where({ id: answer.data.id }).first();
    expect(row.run_started_at).toBeNull();
    const warning = api
      .log()
      .split('\n')
      .find((line) => line.includes('Temporal is down') && line.includes(answer.data.id));
    expect(JSON.parse(warning ?? '{}')).toMatchObject({ level: 40 });
  });

  const one = { prompt: 'x' };
  test.each<[string, unknown, string, string]>([
    ['an unknown field', { ...clips('x'), colour: 'red' }, 'colour', 'no such field'],
    [
      'an unknown field of a clip',
      { kind: 'clips', clips: [{ ...one, seconds: 4 }] },
      'clips.0.seconds',
      'no such field',
    ],
    [
      'an unknown field of an image',
      { kind: 'clips', clips: [{ ...one, firstImage: { assetId: randomUUID(), x: 1 } }] },
      'clips.0.firstImage.x',
      'no such field',
    ],
    ['a field of another kind', { ...clips('x'), numPairs: 3 }, 'numPairs', 'no such field'],
    ['a prompt that is a number', { kind: 'clips', clips: [{ prompt: 5 }] }, 'clips.0.prompt', 'expected text, got 5'],
    ['an empty prompt', clips('x', ''), 'clips.1.prompt', 'at least 1 character, got 0'],
    ['a prompt of 50 kB', clips('x'.repeat(50_000)), 'clips.0.prompt', 'at most 4000 characters, got 50000'],
    ['a NUL in a prompt', clips('a\0b'), 'clips.0.prompt', 'NUL'],
    ['half a surrogate pair in a prompt', clips('\ud800'), 'clips.0.prompt', 'Unicode'],
    [
      'a duration that is a text',
      { kind: 'clips', clips: [{ ...one, durationSeconds: '4' }] },
      'clips.0.durationSeconds',
      'a number, got "4"',
    ],
    [
      'a duration that the model lacks',
      { kind: 'clips', clips: [one, { ...one, durationSeconds: 5 }] },
      'clips.1.durationSeconds',
      '4 or 6 or 8 seconds, not 5',
    ],
    ['a resolution that the model lacks', { ...clips('x'), resolution: '512p' }, 'resolution', '720p, 1080p, not 512p'],
    [
      'an aspect ratio that the model lacks',
      { ...clips('x'), model: 'hailuo-02', aspectRatio: '9:16' },
      'aspectRatio',
      '16:9, not 9:16',
    ],
    [
      'sound of a model without any',
      { ...clips('x'), model: 'hailuo-02', generateAudio: true },
      'generateAudio',
      'no sound',
    ],
    [
      'a last image without a first one',
      { kind: 'clips', clips: [{ ...one, lastImage: { assetId: randomUUID() } }] },
      'clips.0.firstImage',
      'needs a first image',
    ],
    [
      'a last image for a model that takes none',
      {
        kind: 'clips',
        model: 'veo-3',
        clips: [{ ...one, firstImage: { assetId: randomUUID() }, lastImage: { assetId: randomUUID() } }],
      },
      'clips.0.lastImage',
      'no last image',
    ],
    ['an unknown model', { ...clips('x'), model: 'sora' }, 'model', 'veo-3.1-fast'],
    [
      'an unknown model of a clip',
      { kind: 'clips', clips: [{ ...one, model: 'sora' }] },
      'clips.0.model',
      'got "sora"',
    ],
    ['an unknown kind', { kind: 'film' }, 'kind', 'expected clips or image-pairs, got "film"'],
    ['no kind', { clips: [one] }, 'kind', 'got nothing'],
    ['no clips', { kind: 'clips' }, 'clips', 'a list, got nothing'],
    ['0 clips', { kind: 'clips', clips: [] }, 'clips', 'at least 1 item, got 0'],
    ['101 clips', { kind: 'clips', clips: Array(101).fill(one) }, 'clips', 'at most 100 items, got 101'],
    ['a name of 201 characters', { ...clips('x'), name: 'n'.repeat(201) }, 'name', 'at most 200'],
    [
      'an asset id that is no UUID',
      { kind: 'clips', clips: [{ ...one, firstImage: { assetId: 'a' } }] },
      'clips.0.firstImage.assetId',
      'UUID',
    ],
    [
      'an image without anything',
      { kind: 'clips', clips: [{ ...one, firstImage: {} }] },
      'clips.0.firstImage.assetId',
      'nothing',
    ],
    ['metadata that is a list', { ...clips('x'), metadata: [] }, 'metadata', 'an object'],
    [
      'a number that JSON cannot write again',
      `{"kind":"clips","clips":[{"prompt":"x"}],"metadata":{"a":1e999}}`,
      'metadata',
      'JSON',
    ],
    ['a body that is null', null, 'body', 'an object, got null'],
  ])('is refused for %s, naming the field, what was expected and what was seen', async (_what, body, path, said) => {
    const answer = await refused(body);
    expect(answer.status).toBe(422);
    expect(answer.error).toMatchObject({ code: 'VALIDATION_FAILED', details: { path } });
    expect(answer.error?.details?.expected).toBeTypeOf('string');
    expect(answer.error?.details?.seen).toBeTypeOf('string');
    expect(answer.error?.message).toContain(path);
    expect(answer.error?.message).toContain(said);
  });

  test.each<[string, unknown, string]>([
    ['kind property-photos', { kind: 'property-photos', photos: [] }, 'kind'],
    ['kind ad', { kind: 'ad' }, 'kind'],
    ['music', { ...clips('x'), music: { enabled: true } }, 'music'],
    ['a transition', { ...clips('x'), transition: 'crossfade' }, 'transition'],
    ['a failure policy', { ...clips('x'), onClipFailure: 'wait' }, 'onClipFailure'],
    ['a budget', { ...clips('x'), budgetUsd: 5 }, 'budgetUsd'],
    ['a callback', { ...clips('x'), callbackUrl: 'https://example.com' }, 'callbackUrl'],
    [
      'an image by url',
      { kind: 'clips', clips: [{ ...one, firstImage: { url: 'https://example.com/a.jpg' } }] },
      'clips.0.firstImage.url',
    ],
  ])('is refused for %s as not yet supported', async (_what, body, path) => {
    const answer = await refused(body);
    expect(answer.status).toBe(422);
    expect(answer.error).toMatchObject({ code: 'NOT_YET_SUPPORTED', details: { path } });
  });

  test("is refused for a missing asset and for another owner's alike, by the path of the image", async () => {
    const foreign = await uploadImage(ben, { red: 3 });
    for (const assetId of [foreign.id, randomUUID()]) {
      const answer = await refused({ kind: 'clips', clips: [one, { ...one, firstImage: { assetId } }] });
      expect(answer.status).toBe(422);
      expect(answer.error).toMatchObject({
        code: 'ASSET_NOT_FOUND',
        message: `clips.1.firstImage.assetId: there is no asset ${assetId}`,
        details: { path: 'clips.1.firstImage.assetId' },
      });
    }
  });

  test('is refused for an asset that is no image', async () => {
    const fields = { file: Buffer.from('notes'), name: 'Notes', type: 'document' };
    const asset = await anna.post<{ id: string }>('/api/v3/assets', form(fields));
    const answer = await refused({ kind: 'clips', clips: [{ ...one, firstImage: { assetId: asset.data.id } }] });
    expect(answer.error).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { path: 'clips.0.firstImage.assetId', expected: 'an image', seen: 'an asset of type document' },
    });
  });

  test("is refused for a missing campaign and for another owner's alike", async () => {
    const foreign = await newCampaign(ben);
    for (const campaignId of [foreign.id, randomUUID()]) {
      const answer = await refused({ ...clips('x'), campaignId });
      expect(answer.status).toBe(422);
      expect(answer.error).toMatchObject({ code: 'CAMPAIGN_NOT_FOUND', details: { path: 'campaignId' } });
    }
  });

  test.each([
    ['malformed JSON', '{"kind": clips}', 400, 'MALFORMED_JSON', {}],
    ['no body', '', 400, 'MALFORMED_JSON', {}],
    ['JSON of 100,000 levels', '['.repeat(100_000) + ']'.repeat(100_000), 400, 'MALFORMED_JSON', {}],
    ['bytes that are not UTF-8', '{"kind":"\xff"}', 400, 'MALFORMED_JSON', {}],
    [
      'another content type',
      JSON.stringify(clips('x')),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      { 'content-type': 'text/plain' },
    ],
    ['an encoding', JSON.stringify(clips('x')), 415, 'UNSUPPORTED_MEDIA_TYPE', { 'content-encoding': 'gzip' }],
    ['more than 1 MB', JSON.stringify(clips('x'.repeat(1_100_000))), 413, 'BODY_TOO_LARGE', {}],
  ])('is refused for %s', async (what, body, status, code, headers) => {
    const bytes = what === 'bytes that are not UTF-8' ? Buffer.from(body, 'latin1') : Buffer.from(body);
    const answer = await api.call('/api/v3/jobs', {
      method: 'POST',
      body: new Uint8Array(bytes),
      headers: { 'x-api-key': anna.key, 'content-type': 'application/json', ...headers },
    });
    expect(answer.status).toBe(status);
    expect(answer.error?.code).toBe(code);
    expect(api.starts).toEqual([]);
  });
});

describe('an order of image pairs', () => {
  test("makes one clip per pair of the campaign's images, in the order of the scenes, with their prompts", async () => {
    const campaign = await newCampaign(anna);
    const image = (red: number, tag: string) => uploadImage(anna, { campaignId: campaign.id, red, tags: [tag] });
    const living = [await image(40, 'Living Room 1'), await image(41, 'Living Room 2')];
    const pool = [await image(42, 'Pool 1'), await image(43, 'Pool 2')];
    const answer = await order(anna, { kind: 'image-pairs', campaignId: campaign.id, clipDuration: 6 });
    expect(answer.status).toBe(202);
    expect(answer.data).toMatchObject({
      kind: 'image-pairs',
      name: 'Villa Azul',
      campaignId: campaign.id,
      warnings: [],
    });
    expect(answer.data.clips.map((clip) => [clip.sceneName, clip.durationSeconds])).toEqual([
      ['The Hook (Exterior Feature)', 6],
      ['Living Room (The Sweep)', 6],
    ]);
    expect(answer.data.clips[0]?.prompt).toContain('Water ripples');
    const rows = await api.database.knex('clips').where({ job_id: answer.data.id }).orderBy('number');
    expect(rows.map((row) => [row.first_asset_id, row.last_asset_id])).toEqual([
      [pool[0]?.id, pool[1]?.id],
      [living[0]?.id, living[1]?.id],
    ]);
    expect(api.starts).toMatchObject([{ jobId: answer.data.id, clipCount: 2, campaignId: campaign.id }]);
  });

  test('makes as many pairs as asked for, and warns when the images make fewer', async () => {
    const campaign = await newCampaign(anna);
    for (const red of [50, 51, 52, 53]) await uploadImage(anna, { campaignId: campaign.id, red, tags: ['Pool'] });
    const body = { kind: 'image-pairs', campaignId: campaign.id };
    expect((await order(anna, { ...body, numPairs: 1 })).data.clips).toHaveLength(1);
    const more = await order(anna, { ...body, numPairs: 5 });
    expect(more.data.clips).toHaveLength(2);
    expect(more.data.warnings).toEqual(["5 pairs were asked for; the campaign's images make 2"]);
  });

  test('is refused for a campaign with no image or with one', async () => {
    const campaign = await newCampaign(anna);
    const body = { kind: 'image-pairs', campaignId: campaign.id };
    expect((await refused(body)).error).toMatchObject({
      code: 'NOT_ENOUGH_IMAGES',
      details: { path: 'campaignId', seen: '0' },
    });
    await uploadImage(anna, { campaignId: campaign.id, red: 60 });
    const answer = await refused(body);
    expect(answer.status).toBe(422);
    expect(answer.error).toMatchObject({ code: 'NOT_ENOUGH_IMAGES', details: { path: 'campaignId', seen: '1' } });
  });

  test("is refused for another owner's campaign", async () => {
    const campaign = await newCampaign(ben);
    for (const red of [61, 62]) await uploadImage(ben, { campaignId: campaign.id, red });
    const answer = await refused({ kind: 'image-pairs', campaignId: campaign.id });
    expect(answer.error).toMatchObject({ code: 'CAMPAIGN_NOT_FOUND' });
  });

  test.each<[string, object, string]>([
    ['a duration that the model lacks', { clipDuration: 7 }, 'clipDuration'],
    ['a model without last images', { model: 'veo-3-fast' }, 'model'],
    ['0 pairs', { numPairs: 0 }, 'numPairs'],
    ['101 pairs', { numPairs: 101 }, 'numPairs'],
    ['a number of pairs that is a text', { numPairs: '3' }, 'numPairs'],
    ['clips of its own', { clips: [] }, 'clips'],
    ['no campaign', { campaignId: undefined }, 'campaignId'],
  ])('is refused for %s', async (_what, fields, path) => {
    const campaign = await newCampaign(anna);
    const answer = await refused({ kind: 'image-pairs', campaignId: campaign.id, ...fields });
    expect(answer.status).toBe(422);
    expect(answer.error).toMatchObject({ code: 'VALIDATION_FAILED', details: { path } });
  });
});

describe('jobs', () => {
  test('are listed newest first by status, kind and campaign, with the total of all matches', async () => {
    const lister = await api.caller('Lister');
    const campaign = await newCampaign(lister);
    const ids: string[] = [];
    for (const prompt of ['one', 'two', 'three']) ids.unshift((await order(lister, clips(prompt))).data.id);
    const inCampaign = (await order(lister, { ...clips('four'), campaignId: campaign.id })).data.id;
    await api.database.knex('jobs').where({ id: ids[0] }).update({ status: 'failed' });
    const list = async (query: string) => await lister.get<JobJson[]>(`/api/v3/jobs?${query}`);
    const page = await list('limit=2&page=2');
    expect(page.data.map((job) => job.id)).toEqual(ids.slice(1));
    expect(page.meta).toMatchObject({ page: 2, limit: 2, total: 4 });
    expect((await list('status=failed')).data.map((job) => job.id)).toEqual([ids[0]]);
    expect((await list(`campaignId=${campaign.id}`)).data.map((job) => job.id)).toEqual([inCampaign]);
    expect((await list('kind=image-pairs')).meta.total).toBe(0);
    expect((await list('kind=clips')).meta).toMatchObject({ page: 1, limit: 20, total: 4 });
  });

  test.each(['status=done', 'kind=ad', 'campaignId=1', 'owner=x'])('are not listed for ?%s', async (query) => {
    const answer = await anna.get(`/api/v3/jobs?${query}`);
    expect(answer.status).toBe(422);
    expect(answer.error?.details?.path).toBe(query.split('=')[0]);
  });

  test('show the clips as sub-jobs with how many are in which state', async () => {
    const { data: job } = await order(anna, clips('one', 'two', 'three'));
    const { knex } = api.database;
    await knex('clips')
      .where({ job_id: job.id, number: 1 })
      .update({ status: 'failed', error: { code: 'PREDICTION_FAILED', message: 'no' } });
    const answer = await anna.get<SubJobsJson>(`/api/v3/jobs/${job.id}/sub-jobs`);
    expect(answer.status).toBe(200);
    expect(answer.data.subJobs.map((clip) => clip.status)).toEqual(['failed', 'pending', 'pending']);
    expect(answer.data.subJobs[0]?.error).toEqual({ code: 'PREDICTION_FAILED', message: 'no' });
    expect(answer.data.summary).toMatchObject({ failed: 1, pending: 2, stored: 0, total: 3 });
  });

  test("are another owner's business: same 404 as for a missing one", async () => {
    const { data: job } = await order(ben, clips('of Ben'));
    for (const path of ['', '/sub-jobs']) {
      const foreign = await anna.get(`/api/v3/jobs/${job.id}${path}`);
      const missing = await anna.get(`/api/v3/jobs/${randomUUID()}${path}`);
      expect([foreign.status, missing.status]).toEqual([404, 404]);
      expect(foreign.error).toEqual({ code: 'NOT_FOUND', message: `there is no job ${job.id}` });
    }
    expect((await anna.get<JobJson[]>('/api/v3/jobs?limit=100')).data.map(({ id }) => id)).not.toContain(job.id);
  });
});
