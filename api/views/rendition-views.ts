import { renditionWorkflowId } from '../../domain/contract.js';
import { ReelwrightError } from '../../domain/errors.js';
import { mediaVersion } from '../../domain/media-version.js';
import type { RenditionRecord } from '../../storage/renditions-repository.js';
import { API_PREFIX } from '../route.js';
import type { CombinedVideoJson, ExportJson } from '../schemas/renditions.schema.js';
import { type WorkflowLinks, workflowView } from './job-views.js';

export function exportView(rendition: RenditionRecord, links: WorkflowLinks): ExportJson {
  const { jobId, quality } = rendition;
  if (jobId === null || quality === null) {
    throw new ReelwrightError('INTERNAL', `expected export ${rendition.id} to have a job and a quality`);
  }
  return {
    ...commonView(rendition, links),
    videoId: jobId,
    format: rendition.format,
    quality,
    dataUrl: dataPath('exports', rendition),
  };
}

export function combinedVideoView(rendition: RenditionRecord, links: WorkflowLinks): CombinedVideoJson {
  return {
    ...commonView(rendition, links),
    name: rendition.name,
    videoIds: rendition.sources.map(({ jobId }) => jobId),
    transition: rendition.transition ?? 'cut',
    videoUrl: dataPath('combined-videos', rendition),
  };
}

function commonView(rendition: RenditionRecord, links: WorkflowLinks) {
  return {
    id: rendition.id,
    status: rendition.status,
    percent: rendition.percent,
    error: rendition.error,
    durationSeconds: rendition.durationSeconds,
    sizeBytes: rendition.sizeBytes,
    workflow: workflowView(renditionWorkflowId(rendition.kind, rendition.id), links),
    createdAt: rendition.createdAt.toISOString(),
    updatedAt: rendition.updatedAt.toISOString(),
    completedAt: rendition.completedAt?.toISOString() ?? null,
    mediaDeletedAt: rendition.mediaDeletedAt?.toISOString() ?? null,
  };
}

const dataPath = (resource: string, { id, sha256 }: RenditionRecord): string | null =>
  sha256 === null ? null : `${API_PREFIX}/${resource}/${id}/data?v=${mediaVersion(sha256)}`;
