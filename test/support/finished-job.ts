import { Readable } from 'node:stream';
import type { JobJson } from '../../api/schemas/jobs.schema.js';
import type { Caller, RunningApi } from './running-api.js';

/** A job of the caller as its workflow leaves it, with `content` as its video. */
export async function finishedJob(
  api: RunningApi,
  caller: Caller,
  content: Buffer | Readable,
  { name = 'A video', seconds = 8, completedAt = new Date() } = {},
): Promise<JobJson & { videoUrl: string }> {
  const { data } = await caller.post<JobJson>('/api/v3/jobs', { kind: 'clips', name, clips: [{ prompt: 'x' }] });
  const source = Buffer.isBuffer(content) ? Readable.from([content]) : content;
  const blob = await api.deps.blobs.put(source, { contentType: 'video/mp4' });
  await api.database
    .knex('jobs')
    .where({ id: data.id })
    .update({ status: 'completed', video_blob_id: blob.id, duration_seconds: seconds, completed_at: completedAt });
  const job = (await caller.get<JobJson>(`/api/v3/jobs/${data.id}`)).data;
  if (job.videoUrl === null) throw new Error(`expected job ${job.id} to have a video`);
  return { ...job, videoUrl: job.videoUrl };
}
