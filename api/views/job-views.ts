import { clipSubject, generationId, videoJobId } from '../../domain/contract.js';
import type { JobOrder } from '../../domain/orders.schema.js';
import { countClips, jobProgress } from '../../domain/states.js';
import type { ClipRecord } from '../../storage/clips-repository.js';
import type { JobWithClips } from '../../storage/jobs-repository.js';
import type { PlannedOrder } from '../orders/place-order.js';
import { API_PREFIX } from '../route.js';
import type { ClipJson, EstimateJson, JobJson, SubJobsJson } from '../schemas/jobs.schema.js';
import { clipFileName, videoVersion } from '../video-names.js';

/** Where workflows can be looked at. */
export interface WorkflowLinks {
  temporalNamespace: string;
  temporalUiUrl: string | undefined;
}

export function jobView(job: JobWithClips, links: WorkflowLinks): JobJson {
  return {
    id: job.id,
    kind: job.kind,
    name: job.name,
    status: job.status,
    progress: jobProgress(job.status, statesOf(job.clips)),
    clips: job.clips.map((clip) => clipView(clip, links)),
    warnings: [...job.warnings, ...job.clips.flatMap(clipWarnings)],
    error: job.error,
    videoUrl: videoPath(job.id, 'combined', job.videoSha256),
    posterUrl: videoPath(job.id, 'poster.jpg', job.posterSha256),
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
  };
}

export function estimateView(order: JobOrder, plan: PlannedOrder): EstimateJson {
  const { resolution, generateAudio } = order;
  const budgetUsd = order.budgetUsd ?? null;
  return {
    estimatedCostUsd: plan.estimatedCostUsd,
    clips: plan.clips.map(({ number, model, durationSeconds, prompt, estimatedCostUsd }) => {
      return { number, model, resolution, durationSeconds, generateAudio, prompt, estimatedCostUsd };
    }),
    budgetUsd,
    withinBudget: budgetUsd === null ? null : plan.estimatedCostUsd <= budgetUsd,
    warnings: plan.warnings,
  };
}

export function subJobsView(clips: readonly ClipRecord[], links: WorkflowLinks): SubJobsJson {
  return {
    subJobs: clips.map((clip) => clipView(clip, links)),
    summary: { ...countClips(statesOf(clips)), total: clips.length },
  };
}

function clipView(clip: ClipRecord, links: WorkflowLinks): ClipJson {
  return {
    number: clip.number,
    sceneName: clip.sceneName,
    status: clip.status,
    attempt: clip.attempt,
    model: clip.model,
    prompt: clip.prompt,
    durationSeconds: clip.durationSeconds,
    predictionId: clip.predictionId,
    videoUrl: videoPath(clip.jobId, `clips/${clipFileName(clip.number)}`, clip.blobSha256),
    error: clip.error,
    costUsd: clip.costUsd,
    workflow: workflowView(generationId(clip.jobId, clipSubject(clip.number)), links),
    startedAt: clip.startedAt?.toISOString() ?? null,
    completedAt: clip.completedAt?.toISOString() ?? null,
  };
}

function videoPath(jobId: string, file: string, sha256: string | null): string | null {
  return sha256 === null ? null : `${API_PREFIX}/videos/${jobId}/${file}?v=${videoVersion(sha256)}`;
}

function workflowView(
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

const statesOf = (clips: readonly ClipRecord[]): ClipRecord['status'][] => clips.map((clip) => clip.status);
