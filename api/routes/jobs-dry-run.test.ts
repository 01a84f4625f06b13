import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newCampaign, uploadImage } from '../../test/support/api-fixtures.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { EstimateJson, JobJson } from '../schemas/jobs.schema.js';

let api: RunningApi;
let anna: Caller;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
});
afterAll(() => api.stop());

const estimate = (body: unknown) => anna.post<EstimateJson>('/api/v3/jobs/dry-run', body);
const CLIPS = [
  { prompt: 'The pool', durationSeconds: 4 },
  { prompt: 'The terrace', model: 'hailuo-2.3' },
];

describe('a dry run', () => {
  test('tells the price of every clip, and stores and starts nothing', async () => {
    const answer = await estimate({ kind: 'clips', clips: CLIPS });
    expect(answer.status).toBe(200);
    expect(answer.data).toEqual({
      // 4 s at 0.10 and 6 s at 0.05.
      estimatedCostUsd: 0.7,
      // 4 s at 24 Mbit and 6 s at 16, the video, and parts encoded to fit; pictures.
      estimatedBytes: 3 * (12_000_000 + 12_000_000) + 2_000_000,
      clips: [
        {
          number: 1,
          model: 'veo-3.1-fast',
          resolution: '1080p',
          durationSeconds: 4,
          generateAudio: false,
          prompt: 'The pool',
          estimatedCostUsd: 0.4,
        },
        {
          number: 2,
          model: 'hailuo-2.3',
          resolution: '1080p',
          durationSeconds: 6,
          generateAudio: false,
          prompt: 'The terrace',
          estimatedCostUsd: 0.3,
        },
      ],
      music: [],
      budgetUsd: null,
      withinBudget: null,
      warnings: [],
    });
    expect([await api.countRows('jobs'), await api.countRows('clips'), api.starts]).toEqual([0, 0, []]);
  });

  test('of models with sound and without orders sound of those that make it, and says which do not', async () => {
    const { data } = await estimate({ kind: 'clips', clips: CLIPS, generateAudio: true });
    expect(data.clips.map(({ generateAudio }) => generateAudio)).toEqual([true, false]);
    // 4 s at 0.15 and 6 s at 0.05.
    expect(data.estimatedCostUsd).toBe(0.9);
    expect(data.warnings).toEqual(['models that make no sound: clip 2 (hailuo-2.3)']);
  });

  test.each([
    [0.7, true],
    [0.69, false],
  ])('says whether a budget of %d covers it: %s', async (budgetUsd, withinBudget) => {
    const { data } = await estimate({ kind: 'clips', clips: CLIPS, budgetUsd });
    expect(data).toMatchObject({ budgetUsd, withinBudget });
    expect(data.warnings).toHaveLength(withinBudget ? 0 : 1);
  });

  test('plans the pairs of a campaign as their order does', async () => {
    const campaign = await newCampaign(anna);
    for (const red of [1, 2, 3, 4]) await uploadImage(anna, { campaignId: campaign.id, tags: [`Room ${red}`], red });
    const body = { kind: 'image-pairs', campaignId: campaign.id, generateAudio: true };
    const { data } = await estimate(body);
    const ordered = (await anna.post<JobJson>('/api/v3/jobs', body)).data;
    expect(data.estimatedCostUsd).toBe(ordered.estimatedCostUsd);
    expect(data.clips.map(({ prompt }) => prompt)).toEqual(ordered.clips.map(({ prompt }) => prompt));
    expect(data.clips[0]?.generateAudio).toBe(true);
  });

  test.each<[object, string, string]>([
    [{ kind: 'clips', clips: [] }, 'VALIDATION_FAILED', 'clips'],
    [{ kind: 'clips', clips: CLIPS, budget: 5 }, 'VALIDATION_FAILED', 'budget'],
    [{ kind: 'clips', clips: CLIPS, budgetUsd: -5 }, 'VALIDATION_FAILED', 'budgetUsd'],
    [{ kind: 'clips', clips: [{ prompt: 'x', durationSeconds: 5 }] }, 'VALIDATION_FAILED', 'clips.0.durationSeconds'],
    [{ kind: 'clips', clips: CLIPS, campaignId: uuidv7() }, 'CAMPAIGN_NOT_FOUND', 'campaignId'],
    [
      { kind: 'clips', clips: [{ prompt: 'x', firstImage: { assetId: uuidv7() } }] },
      'ASSET_NOT_FOUND',
      'clips.0.firstImage.assetId',
    ],
    [
      { kind: 'clips', clips: [{ prompt: 'x', firstImage: { url: 'http://localhost/x' } }] },
      'URL_REFUSED',
      'clips.0.firstImage.url',
    ],
    [{ kind: 'ad' }, 'NOT_YET_SUPPORTED', 'kind'],
  ])('refuses %j as an order would be', async (body, code, path) => {
    const [dry, order] = [await estimate(body), await anna.post('/api/v3/jobs', body)];
    expect([dry.status, dry.error?.code, dry.error?.details?.path]).toEqual([422, code, path]);
    expect(dry.error).toEqual(order.error);
  });
});
