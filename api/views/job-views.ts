import { generationId, videoJobId } from '../../domain/contract.js';
import { mediaVersion } from '../../domain/media-version.js';
import { DEFAULT_RESOLUTION, videoModel } from '../../domain/models.js';
import { type JobOrder, resolutionOf } from '../../domain/orders.schema.js';
import { mediaExpireAt } from '../../domain/retention.js';
import { countClips, type JobProgress, jobProgress, musicProgress } from '../../domain/states.js';
import type { ClipRecord } from '../../storage/clips-repository.js';
import type { JobWithClips } from '../../storage/jobs-repository.js';
import type { MusicRecord } from '../../storage/music-repository.js';
import { type SubJob, subjectOf } from '../../storage/sub-job.js';
import type { PlannedOrder } from '../orders/place-order.js';
import type { ClipJson, EstimateJson, JobJson, MusicJson, SubJobsJson } from '../schemas/jobs.schema.js';
import { clipFileName, videoAddress } from '../video-names.js';

/** Where workflows can be looked at. */
export interface WorkflowLinks {
  temporalNamespace: string;
  temporalUiUrl: string | undefined;
}

/** What of the deployment a job's answer depends on. */
export type JobViewConfig = WorkflowLinks & { retentionDays?: number | undefined };

export function jobView(job: JobWithClips, links: JobViewConfig): JobJson {
  return {
    id: job.id,
    kind: job.kind,
    name: job.name,
    status: job.status,
    progress: progressView(job),
    clips: job.clips.map((clip) => clipView(clip, links)),
    music: job.music.map((piece) => musicView(piece, links)),
    warnings: [...job.warnings, ...job.clips.flatMap(clipWarnings), ...musicWarnings(job)],
    error: job.error,
    videoUrl: videoPath(job.id, 'combined', job.videoSha256),
    posterUrl: videoPath(job.id, 'poster.jpg', job.posterSha256),
    thumbnailUrl: videoPath(job.id, 'thumbnail.jpg', job.thumbnailSha256),
    previewsUrl: videoPath(job.id, 'thumbnails.vtt', job.cuesSha256),
    durationSeconds: job.durationSeconds,
    sizeBytes: job.sizeBytes,
    estimatedCostUsd: job.estimatedCostUsd,
    actualCostUsd: job.actualCostUsd,
    budgetUsd: job.budgetUsd,
    campaignId: job.campaignId,
    workflow: workflowView(videoJobId(job.id), links),
    metadata: job.metadata,
    createdAt: job.createdAt.toISOString(),
    updatedAt: job.updatedAt.toISOString(),
    completedAt: job.completedAt?.toISOString() ?? null,
    ...mediaTimes(job, links),
  };
}

function mediaTimes(
  { completedAt, retentionDays, mediaDeletedAt }: JobWithClips,
  config: JobViewConfig,
): Pick<JobJson, 'mediaExpiresAt' | 'mediaDeletedAt'> {
  const expireAt = mediaDeletedAt === null ? mediaExpireAt(completedAt, retentionDays, config.retentionDays) : null;
  return {
    mediaExpiresAt: expireAt?.toISOString() ?? null,
    mediaDeletedAt: mediaDeletedAt?.toISOString() ?? null,
  };
}

const progressView = ({ status, clips, music, cutFraction }: JobWithClips): JobProgress =>
  clips.length === 0 ? musicProgress(status, statesOf(music)) : jobProgress(status, statesOf(clips), cutFraction);

export function estimateView(order: JobOrder, plan: PlannedOrder): EstimateJson {
  const generateAudio = order.kind !== 'music' && order.generateAudio;
  const resolution = order.kind === 'music' ? DEFAULT_RESOLUTION : resolutionOf(order);
  const budgetUsd = order.budgetUsd ?? null;
  return {
    estimatedCostUsd: plan.estimatedCostUsd,
    estimatedBytes: plan.estimatedBytes,
    clips: plan.clips.map(({ number, model, durationSeconds, prompt, estimatedCostUsd }) => {
      const withAudio = generateAudio && videoModel(model).audio;
      return { number, model, resolution, durationSeconds, generateAudio: withAudio, prompt, estimatedCostUsd };
    }),
    music: plan.music,
    budgetUsd,
    withinBudget: budgetUsd === null ? null : plan.estimatedCostUsd <= budgetUsd,
    warnings: plan.warnings,
  };
}

export function subJobsView(
  { clips, music }: Pick<JobWithClips, 'clips' | 'music'>,
  links: WorkflowLinks,
): SubJobsJson {
  return {
    subJobs: clips.map((clip) => clipView(clip, links)),
    music: music.map((piece) => musicView(piece, links)),
    summary: { ...countClips(statesOf(clips)), total: clips.length },
  };
}

function clipView(clip: ClipRecord, links: WorkflowLinks): ClipJson {
  const videoUrl = videoPath(clip.jobId, `clips/${clipFileName(clip.number)}`, clip.blobSha256);
  return { ...subJobView(clip, links), sceneName: clip.sceneName, model: clip.model, videoUrl };
}

function musicView(piece: MusicRecord, links: WorkflowLinks): MusicJson {
  const audioUrl = videoPath(piece.jobId, `music/${piece.number}`, piece.blobSha256);
  return { ...subJobView(piece, links), model: piece.model, audioUrl };
}

function subJobView(subJob: SubJob, links: WorkflowLinks): Omit<ClipJson, 'sceneName' | 'model' | 'videoUrl'> {
  return {
    number: subJob.number,
    status: subJob.status,
    attempt: subJob.attempt,
    prompt: subJob.prompt,
    durationSeconds: subJob.durationSeconds,
    predictionId: subJob.predictionId,
    error: subJob.error,
    costUsd: subJob.costUsd,
    workflow: workflowView(generationId(subJob.jobId, subjectOf(subJob)), links),
    startedAt: subJob.startedAt?.toISOString() ?? null,
    completedAt: subJob.completedAt?.toISOString() ?? null,
  };
}

export function videoPath(jobId: string, file: string, sha256: string | null): string | null {
  return sha256 === null ? null : videoAddress(jobId, file, { v: mediaVersion(sha256) });
}

export function workflowView(
  id: string,
  { temporalNamespace, temporalUiUrl }: WorkflowLinks,
): { id: string; url: string | null } {
  if (temporalUiUrl === undefined) return { id, url: null };
  return { id, url: `${temporalUiUrl}/namespaces/${encodeURIComponent(temporalNamespace)}/workflows/${id}` };
}

/** A gap in the video is told with its reason, and so is whatever else is to be known of a clip. */
function clipWarnings({ number, status, error, warnings }: ClipRecord): string[] {
  const gap = status === 'skipped' ? [`clip ${number} is missing: ${error?.message ?? 'it was skipped'}`] : [];
  return [...gap, ...warnings.map((warning) => `clip ${number}: ${warning}`)];
}

/** The first piece that is missing is the reason for all that lack with it. */
function musicWarnings({ clips, music: pieces }: JobWithClips): string[] {
  const missing = pieces.find(({ status }) => status === 'skipped' || status === 'failed');
  const heard = missing !== undefined && missing.number > 1 ? 'repeats what is there of its music' : 'has no music';
  const what = clips.length > 0 ? `the video ${heard}` : `the music lacks piece ${missing?.number} and what follows`;
  const gap = missing === undefined ? [] : [`${what}: ${missing.error?.message ?? 'it was skipped'}`];
  return [...gap, ...pieces.flatMap(({ number, warnings }) => warnings.map((text) => `music ${number}: ${text}`))];
}

const statesOf = (all: readonly SubJob[]): SubJob['status'][] => all.map(({ status }) => status);
