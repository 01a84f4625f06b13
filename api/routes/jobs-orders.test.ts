import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newCampaign, uploadImage } from '../../test/support/api-fixtures.js';
import { clips, order, refused } from '../../test/support/job-orders.js';
import { type Caller, form, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { JobJson } from '../schemas/jobs.schema.js';

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
        kind: 'clips',
        aspectRatio: '16:9',
        generateAudio: false,
        onClipFailure: 'wait',
        musicCount: 0,
        estimatedCostUsd: 0.7,
        budgetUsd: null,
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
  test("is refused for a missing asset and for another owner's alike, by the path of the image", async () => {
    const foreign = await uploadImage(ben, { red: 3 });
    for (const assetId of [foreign.id, randomUUID()]) {
      const answer = await refused(api, anna, { kind: 'clips', clips: [one, { ...one, firstImage: { assetId } }] });
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
    const answer = await refused(api, anna, {
      kind: 'clips',
      clips: [{ ...one, firstImage: { assetId: asset.data.id } }],
    });
    expect(answer.error).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { path: 'clips.0.firstImage.assetId', expected: 'an image', seen: 'an asset of type document' },
    });
  });

  test("is refused for a missing campaign and for another owner's alike", async () => {
    const foreign = await newCampaign(ben);
    for (const campaignId of [foreign.id, randomUUID()]) {
      const answer = await refused(api, anna, { ...clips('x'), campaignId });
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
