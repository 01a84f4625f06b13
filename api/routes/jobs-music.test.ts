import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SCENE_SET_A } from '../../domain/scenes.js';
import { newCampaign, uploadImage } from '../../test/support/api-fixtures.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { EstimateJson, JobJson, SubJobsJson } from '../schemas/jobs.schema.js';

let api: RunningApi;
let anna: Caller;
let ben: Caller;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
});
afterAll(() => api.stop());

const clips = (...seconds: number[]) => seconds.map((durationSeconds) => ({ prompt: 'The pool', durationSeconds }));
const order = async (body: object): Promise<JobJson> => {
  const answer = await anna.post<JobJson>('/api/v3/jobs', { kind: 'clips', clips: clips(4, 4), ...body });
  expect(answer.status, JSON.stringify(answer.error)).toBe(202);
  return answer.data;
};
const rows = (jobId: string) => api.database.knex('music_pieces').where({ job_id: jobId }).orderBy('number');
const read = async (id: string): Promise<JobJson> => (await anna.get<JobJson>(`/api/v3/jobs/${id}`)).data;

describe('an order with music', () => {
  test('has its music in the job, in its sub-jobs and in its price', async () => {
    const job = await order({ music: { enabled: true, prompt: 'a slow waltz' } });
    expect(job.estimatedCostUsd).toBe(0.87);
    expect(job.music).toMatchObject([
      { number: 1, status: 'pending', model: 'musicgen', prompt: 'a slow waltz', durationSeconds: 8, audioUrl: null },
    ]);
    expect(job.music[0]?.workflow.id).toBe(`video-job-${job.id}-music-01`);
    const subJobs = await anna.get<SubJobsJson>(`/api/v3/jobs/${job.id}/sub-jobs`);
    expect(subJobs.data.music).toEqual(job.music);
    expect(subJobs.data.summary.total).toBe(2);
  });

  test('of image pairs is told by the scenes of its clips', async () => {
    const { id: campaignId } = await newCampaign(anna);
    for (const tag of ['Pool 1', 'Pool 2', 'Bedroom 1', 'Bedroom 2'])
      await uploadImage(anna, { campaignId, tags: [tag] });
    const { data } = await anna.post<EstimateJson>('/api/v3/jobs/dry-run', {
      kind: 'image-pairs',
      campaignId,
      clipDuration: 4,
      music: { enabled: true },
    });
    const told = data.music.map(({ prompt }) => SCENE_SET_A.find(({ music }) => music === prompt)?.number);
    expect(told).toEqual([1, 2]);
    expect(data.estimatedCostUsd).toBeCloseTo(2 * 0.4 + 2 * 0.07, 6);
  });

  test('that is longer than one window is one longer piece', async () => {
    const job = await order({ clips: clips(8, 8, 8, 8), music: { enabled: true } });
    expect(job.music).toMatchObject([{ model: 'stable-audio-2.5', durationSeconds: 32 }]);
  });

  test.each([
    ['nothing', {}],
    ['music that is off', { music: { enabled: false } }],
  ])('has none where it says %s', async (_what, body) => {
    const job = await order(body);
    expect(job.music).toEqual([]);
    expect(await rows(job.id)).toEqual([]);
  });

  test.each<[string, unknown, string]>([
    ['a prompt without music', { enabled: false, prompt: 'a waltz' }, 'music.prompt'],
    ['an empty prompt', { enabled: true, prompt: '' }, 'music.prompt'],
    ['neither on nor off', {}, 'music.enabled'],
    ['a field that is unknown', { enabled: true, model: 'lyria' }, 'music.model'],
  ])('is refused for %s', async (_what, music, path) => {
    const answer = await anna.post('/api/v3/jobs', { kind: 'clips', clips: clips(4), music });
    expect(answer).toMatchObject({ status: 422, error: { code: 'VALIDATION_FAILED', details: { path } } });
  });
});

describe('an order of music alone', () => {
  const music = (...scenes: object[]) => ({ kind: 'music', scenes });
  const scene = (prompt: string, durationSeconds: number) => ({ prompt, durationSeconds });

  test('is a job without clips, one piece for each scene that is told otherwise', async () => {
    const body = music(scene('a harp', 8), scene('a harp', 4), scene('a drum', 6));
    const answer = await anna.post<JobJson>('/api/v3/jobs', body);
    expect(answer.status, JSON.stringify(answer.error)).toBe(202);
    expect(answer.data).toMatchObject({
      kind: 'music',
      name: 'a harp',
      clips: [],
      estimatedCostUsd: 0.14,
      videoUrl: null,
    });
    expect(answer.data.music).toMatchObject([
      { prompt: 'a harp', durationSeconds: 12 },
      { prompt: 'a drum', durationSeconds: 6 },
    ]);
    expect(answer.data.progress).toMatchObject({ percent: 0, message: '0 of 2 pieces of music stored' });
    const { data } = await anna.get<JobJson[]>('/api/v3/jobs?kind=music');
    expect(data.map(({ id }) => id)).toEqual([answer.data.id]);
  });

  test('has its price in a dry run', async () => {
    const { data } = await anna.post<EstimateJson>('/api/v3/jobs/dry-run', music(scene('a harp', 100)));
    expect(data).toMatchObject({ estimatedCostUsd: 0.2, clips: [], music: [{ model: 'stable-audio-2.5' }] });
  });

  test.each<[string, unknown, string]>([
    ['no scene', music(), 'scenes'],
    ['more than a model makes', music(scene('a', 100), scene('b', 91)), 'scenes'],
    ['a scene without a length', music({ prompt: 'a' }), 'scenes.0.durationSeconds'],
    ['half a second', music(scene('a', 0.5)), 'scenes.0.durationSeconds'],
    ['a field of videos', { ...music(scene('a', 4)), transition: 'fade' }, 'transition'],
  ])('is refused for %s', async (_what, body, path) => {
    const answer = await anna.post('/api/v3/jobs', body);
    expect(answer).toMatchObject({ status: 422, error: { code: 'VALIDATION_FAILED', details: { path } } });
  });
});

describe('a piece of music', () => {
  test('is served to its owner once it is stored, as its model made it', async () => {
    const { id } = await order({ music: { enabled: true } });
    expect((await anna.get(`/api/v3/videos/${id}/music/1`)).status).toBe(404);
    const bytes = Buffer.from('RIFF and the rest of a sound');
    const blob = await api.deps.blobs.put(Readable.from([bytes]), { contentType: 'audio/wav' });
    await rows(id).update({ status: 'stored', blob_id: blob.id });
    const { audioUrl } = (await read(id)).music[0] ?? {};
    const response = await anna.fetch(audioUrl ?? '');
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'audio/wav',
      'cache-control': 'private, max-age=31536000, immutable',
    });
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    expect((await ben.get(audioUrl ?? '')).status).toBe(404);
    expect((await anna.get(`/api/v3/videos/${id}/music/2`)).status).toBe(404);
    expect((await anna.get(`/api/v3/videos/${id}/music/0`)).status).toBe(404);
  });

  test('that is missing is a warning of its job, once for all that lack with it', async () => {
    const { id } = await order({ music: { enabled: true } });
    const knex = api.database.knex;
    const [row] = await rows(id);
    await knex('music_pieces').insert({ ...row, number: 2, warnings: '[]' });
    const error = JSON.stringify({ code: 'PROVIDER_REFUSED_CONTENT', message: 'flagged as sensitive' });
    await rows(id).where('number', 2).update({ status: 'skipped', error });
    expect((await read(id)).warnings).toEqual(['the video repeats what is there of its music: flagged as sensitive']);
    await rows(id).update({ status: 'skipped', error });
    expect((await read(id)).warnings).toEqual(['the video has no music: flagged as sensitive']);
  });

  test('that is missing is bought by a retry, and nothing else is', async () => {
    const { id } = await order({ music: { enabled: true } });
    const knex = api.database.knex;
    await knex('clips').where({ job_id: id }).update({ status: 'stored' });
    await rows(id).update({
      status: 'skipped',
      error: JSON.stringify({ code: 'BUDGET_EXCEEDED', message: 'too dear' }),
    });
    await knex('jobs').where({ id }).update({ status: 'completed_with_gaps' });
    const answer = await anna.post<JobJson>(`/api/v3/jobs/${id}/actions`, { action: 'retry' });
    expect(answer.status).toBe(202);
    expect(answer.data.clips.map(({ status }) => status)).toEqual(['stored', 'stored']);
    expect(answer.data.music).toMatchObject([{ status: 'pending', error: null }]);
  });
});
