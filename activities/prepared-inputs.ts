import { createWriteStream, openAsBlob } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ReelwrightError } from '../domain/errors.js';
import { withWorkDir } from '../media/ffmpeg/work-dir.js';
import { findAssetContent } from '../storage/asset-content.js';
import { ASSET_LINK_SECONDS } from '../storage/asset-links.js';
import type { ClipRecord } from '../storage/clips-repository.js';
import { findMusicPiece, type MusicRecord } from '../storage/music-repository.js';
import { moveSubJob, type PreparedInputs } from '../storage/sub-job.js';
import type { SubJobRecord } from '../storage/sub-jobs.js';
import type { ActivityDeps } from './deps.js';

/** A link must outlive the wait in the provider's queue: older ones are issued anew. */
const MUST_HOLD_MS = 45 * 60_000;
/** Where the provider does not say how long it keeps a file: as long as it keeps the inputs of predictions. */
const UNSTATED_FILE_LIFE_MS = 60 * 60_000;

type Deps = Pick<ActivityDeps, 'knex' | 'blobs' | 'provider' | 'assetLinks' | 'publicUrl' | 'workRoot'>;

interface Link {
  url: string;
  expiresAt: Date | null;
}

/**
 * Makes what a purchase needs readable for the provider and notes the links on its row: for an image a signed link to
 * the asset where the provider reaches our api, else a file uploaded to the provider; for the music that a piece goes on
 * from such a file always. Links that still hold are kept.
 */
export async function prepareInputs(deps: Deps, subJob: SubJobRecord, signal: AbortSignal): Promise<PreparedInputs> {
  const ready = readyInputs(subJob);
  if (ready !== undefined) return ready;
  const links = subJob.kind === 'clip' ? imagesOf(deps, subJob, signal) : musicBefore(deps, subJob, signal);
  const preparedInputs = await links;
  await moveSubJob(deps.knex, subJob, [subJob.status], { preparedInputs });
  return preparedInputs;
}

/** What needs no preparing: links that still hold, or nothing to read at all; else undefined. */
export function readyInputs(subJob: SubJobRecord): PreparedInputs | undefined {
  const { preparedInputs } = subJob;
  if (preparedInputs !== null && stillHolds(preparedInputs)) return preparedInputs;
  return hasInputs(subJob) ? undefined : { firstImageUrl: null, lastImageUrl: null, expiresAt: null };
}

const hasInputs = (subJob: SubJobRecord): boolean =>
  subJob.kind === 'music' ? subJob.number > 1 : subJob.firstAssetId !== null || subJob.lastAssetId !== null;

async function imagesOf(deps: Deps, clip: ClipRecord, signal: AbortSignal): Promise<PreparedInputs> {
  const first = clip.firstAssetId === null ? null : await link(deps, clip.firstAssetId, signal);
  const last = clip.lastAssetId === null ? null : await link(deps, clip.lastAssetId, signal);
  return { firstImageUrl: first?.url ?? null, lastImageUrl: last?.url ?? null, expiresAt: earliest([first, last]) };
}

/** Of every piece but the first. Throws NOT_FOUND where the piece before is not stored. */
async function musicBefore(deps: Deps, { jobId, number }: MusicRecord, signal: AbortSignal): Promise<PreparedInputs> {
  const before = await findMusicPiece(deps.knex, jobId, number - 1);
  const blob = before?.blobId == null ? undefined : await deps.blobs.stat(before.blobId);
  if (blob === undefined) {
    throw new ReelwrightError('NOT_FOUND', `expected music ${number - 1} of job ${jobId} to be stored`);
  }
  const { id: blobId, contentType } = blob;
  const audio = await uploadBlob(deps, { blobId, contentType, name: `${jobId}-music-${number - 1}` }, signal);
  return { firstImageUrl: null, lastImageUrl: null, inputAudioUrl: audio.url, expiresAt: earliest([audio]) };
}

function earliest(links: readonly (Link | null)[]): string | null {
  const ends = links.flatMap((link) => (link?.expiresAt == null ? [] : [link.expiresAt.getTime()]));
  return ends.length === 0 ? null : new Date(Math.min(...ends)).toISOString();
}

function stillHolds({ expiresAt }: PreparedInputs): boolean {
  return expiresAt === null || Date.parse(expiresAt) > Date.now() + MUST_HOLD_MS;
}

async function link(deps: Deps, assetId: string, signal: AbortSignal): Promise<Link> {
  if (deps.publicUrl !== undefined) {
    const token = await deps.assetLinks.sign(assetId);
    return {
      url: `${deps.publicUrl}/api/v3/assets/${assetId}/data?token=${encodeURIComponent(token)}`,
      expiresAt: new Date(Date.now() + ASSET_LINK_SECONDS * 1000),
    };
  }
  const asset = await findAssetContent(deps.knex, assetId);
  if (asset === undefined) throw new ReelwrightError('NOT_FOUND', `expected asset ${assetId}, found none`);
  return await uploadBlob(deps, { ...asset, name: assetId }, signal);
}

/** By way of a file, so that memory does not depend on its size. */
async function uploadBlob(
  deps: Deps,
  { blobId, contentType, name }: { blobId: string; contentType: string; name: string },
  signal: AbortSignal,
): Promise<Link> {
  return await withWorkDir(deps.workRoot, 'upload', async (dir) => {
    const path = join(dir, 'input');
    await pipeline(deps.blobs.open(blobId), createWriteStream(path), { signal });
    const file = await openAsBlob(path, { type: contentType });
    const extension = contentType.split('/')[1] ?? 'bin';
    const { url, expiresAt } = await deps.provider.uploadFile(file, { filename: `${name}.${extension}`, signal });
    return { url, expiresAt: expiresAt ?? new Date(Date.now() + UNSTATED_FILE_LIFE_MS) };
  });
}

/** How long our own api may take to give the first byte of an image. */
const OWN_LINK_LIMIT_MS = 10_000;

/**
 * Reads the links as the provider would, after it said that it could not. Throws IMAGE_UNREACHABLE where we cannot
 * either: then another purchase would fail alike. A file that was uploaded to the provider is not ours to read.
 */
export async function verifyInputs(
  { publicUrl }: Pick<Deps, 'publicUrl'>,
  { firstImageUrl, lastImageUrl }: PreparedInputs,
  signal: AbortSignal,
): Promise<void> {
  for (const url of [firstImageUrl, lastImageUrl]) {
    if (url === null || publicUrl === undefined || !url.startsWith(publicUrl)) continue;
    const problem = await problemOf(url, AbortSignal.any([signal, AbortSignal.timeout(OWN_LINK_LIMIT_MS)]));
    if (problem === undefined) continue;
    // The link itself opens the image for whoever reads it.
    throw new ReelwrightError('IMAGE_UNREACHABLE', `an image cannot be read at PUBLIC_URL, ${publicUrl}: ${problem}`);
  }
}

async function problemOf(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const response = await fetch(url, { headers: { range: 'bytes=0-0' }, signal });
    await response.body?.cancel();
    return response.ok ? undefined : `status ${response.status}`;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.cause instanceof Error ? error.cause.message : error.message;
  }
}
