import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newCampaign } from '../../test/support/api-fixtures.js';
import { clips, order } from '../../test/support/job-orders.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';
import type { JobJson, SubJobsJson } from '../schemas/jobs.schema.js';

let api: RunningApi;
let anna: Caller;
let ben: Caller;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
  ben = await api.caller('Ben');
});
afterAll(() => api.stop());

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
