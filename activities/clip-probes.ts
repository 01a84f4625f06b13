import { isReelwrightError } from '../domain/errors.js';
import { probeClips } from '../media/cut/cut-clips.js';
import type { RunLimits } from '../media/ffmpeg/run-tool.js';
import { LOOK_LIMIT_MS } from '../media/plan/run-limits.js';
import { type ClipProbe, probeClip } from '../media/probe/probe-clip.js';
import { PROBE_VERSION, readProbe, type StoredProbe, storedProbe } from '../media/probe/stored-probe.js';
import { findMediaProbes, keepMediaProbe } from '../storage/media-probes.js';
import type { ActivityDeps } from './deps.js';

type ProbeDeps = Pick<ActivityDeps, 'knex' | 'tools'>;

/** A clip's file, and the hash of its bytes where that is known. */
export interface ClipFile {
  number: number;
  path: string;
  sha256: string | null;
}

/**
 * What each clip says of itself, in order: what was kept of equal bytes, and of the others what they say now, which is kept.
 * Throws what `probeClips` throws.
 */
export async function probesOf(
  { knex, tools }: ProbeDeps,
  clips: readonly ClipFile[],
  limits: RunLimits,
): Promise<ClipProbe[]> {
  const kept = await findMediaProbes(
    knex,
    PROBE_VERSION,
    clips.flatMap(({ sha256 }) => sha256 ?? []),
  );
  const unknown = clips.filter(({ sha256 }) => sha256 === null || !kept.has(sha256));
  const asked = await probeClips(tools, unknown, { timeLimitMs: LOOK_LIMIT_MS, ...limits });
  const fresh = new Map(unknown.map((clip, index) => [clip, asked[index] as ClipProbe]));
  for (const [{ sha256 }, probe] of fresh) if (sha256 !== null) await keepProbe({ knex }, sha256, probe);
  return clips.map((clip) => fresh.get(clip) ?? readProbe(kept.get(clip.sha256 ?? '') as StoredProbe));
}

/**
 * What a cut will have to know of a fetched clip, asked while its file is at hand; undefined, with a line in the log, where
 * no cut can use it. That is for the cut to say, which names the clip and its trouble. Throws FFMPEG_FAILED, the signal's
 * reason when aborted.
 */
export async function probeFetched(
  { tools, logger }: Pick<ActivityDeps, 'tools' | 'logger'>,
  clip: { jobId: string; number: number },
  path: string,
  signal: AbortSignal,
): Promise<ClipProbe | undefined> {
  return await probeClip(tools, clip.number, path, { signal, timeLimitMs: LOOK_LIMIT_MS }).catch((error: unknown) => {
    if (!isReelwrightError(error, 'MEDIA_UNREADABLE')) throw error;
    logger.warn({ err: error, jobId: clip.jobId, clip: clip.number }, 'a clip was fetched that no cut can use');
    return undefined;
  });
}

/** Keeps the probe of these bytes for the cuts to come. */
export async function keepProbe({ knex }: Pick<ActivityDeps, 'knex'>, sha256: string, probe: ClipProbe): Promise<void> {
  await keepMediaProbe(knex, { sha256, version: PROBE_VERSION }, storedProbe(probe));
}
