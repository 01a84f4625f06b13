import { randomUUID } from 'node:crypto';
import type { VideoJobStart } from '../../activities/start-video-job.js';

/** What a job of one clip is started with; nobody has a row of it. */
export const jobStart = (fields: Partial<VideoJobStart> = {}): VideoJobStart => ({
  jobId: randomUUID(),
  ownerId: randomUUID(),
  campaignId: null,
  runNumber: 1,
  name: 'Villa Azul',
  kind: 'clips',
  models: ['veo-3.1-fast'],
  resolution: '1080p',
  aspectRatio: '16:9',
  generateAudio: false,
  onClipFailure: 'wait',
  clipCount: 1,
  musicCount: 0,
  estimatedCostUsd: 0.4,
  budgetUsd: null,
  ...fields,
});
