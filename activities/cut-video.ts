import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Context } from '@temporalio/activity';
import type { MediaActivities } from '../domain/activity-contract.js';
import type { VideoJobInput } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { runCut } from '../media/cut/run-cut.js';
import { requireDiskRoom } from '../media/ffmpeg/disk-room.js';
import { withWorkDir } from '../media/ffmpeg/work-dir.js';
import { type CutOrder, planCut } from '../media/plan/cut-plan.js';
import { orderedSize } from '../media/plan/ordered-size.js';
import type { ClipProbe } from '../media/probe/probe-clip.js';
import { type ClipRecord, listClips } from '../storage/clips-repository.js';
import { noteCutFraction } from '../storage/cut-progress.js';
import { type JobChange, moveJobReading } from '../storage/job-moves.js';
import { type JobRow, jobColumns } from '../storage/jobs-repository.js';
import { cutTimeRatio } from '../telemetry/metrics.js';
import { type ClipFile, probesOf } from './clip-probes.js';
import type { ActivityDeps } from './deps.js';
import { encodedClipsOf } from './encoded-clips.js';
import { withHeartbeat } from './heartbeat.js';
import { musicOf } from './music-of.js';
import { createPercentNotes } from './percent-notes.js';
import { NOT_CANCELLED } from './required-rows.js';

/**
 * Cuts a job's clips into its video, in their order and less those that were skipped, with the music that is there: what
 * fits is copied, what does not is encoded. The plan and the video are stored with the job. Throws what `probesOf`,
 * `planCut` and `runCut` throw.
 */
export function createCutVideo(deps: ActivityDeps): MediaActivities['cutVideo'] {
  return async (run) => {
    const job = await moveOn(deps, run, { status: 'composing' });
    const clips = (await listClips(deps.knex, [run.jobId])).filter((clip) => clip.status !== 'skipped');
    const progress = createPercentNotes(
      (percent) => noteCutFraction(deps.knex, run, percent / 100),
      (error) => deps.logger.warn({ err: error, ...run }, 'the progress of a cut could not be noted'),
    );
    try {
      const started = performance.now();
      const video = await withHeartbeat((beat) =>
        cut(deps, { run, job, clips }, (fraction) => {
          beat({ cut: fraction });
          progress.report(fraction);
        }),
      );
      cutTimeRatio.observe((performance.now() - started) / 1000 / video.durationSeconds);
      return video;
    } finally {
      await progress.settle();
    }
  };
}

interface ToCut {
  run: VideoJobInput;
  job: JobRow;
  clips: readonly ClipRecord[];
}

async function cut(
  deps: ActivityDeps,
  { run, job, clips }: ToCut,
  onProgress: (fraction: number) => void,
): Promise<{ durationSeconds: number; sizeBytes: number }> {
  const { blobs, tools, workRoot } = deps;
  const signal = Context.current().cancellationSignal;
  return await withWorkDir(workRoot, 'cut', async (dir) => {
    // The clips, and a result of their size; what the plan adds to that is looked at before it is run.
    await requireDiskRoom(dir, 2 * clips.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0));
    const inputs: ClipFile[] = [];
    for (const clip of clips) {
      const path = join(dir, `clip-${clip.number}.mp4`);
      await pipeline(blobs.open(blobOf(clip)), createWriteStream(path), { signal });
      inputs.push({ number: clip.number, path, sha256: clip.blobSha256 });
    }
    const probes = await probesOf(deps, inputs, { signal });
    const music = await musicOf(deps, run.jobId, dir, signal);
    const probed = inputs.map(({ number }, index) => ({ number, probe: probes[index] as ClipProbe }));
    const plan = planCut(probed, orderOf(job, probes), music?.probe);
    await moveOn(deps, run, { status: 'composing', cutPlan: plan });

    const output = join(dir, 'video.mp4');
    const { durationSeconds } = await runCut(tools, plan, {
      inputs,
      music,
      output,
      workDir: dir,
      encodedClips: encodedClipsOf(deps, clips, dir, signal),
      signal,
      onProgress,
    });
    const { id: videoBlobId, size } = await blobs.put(createReadStream(output), { contentType: 'video/mp4', signal });
    await moveOn(deps, run, { status: 'composing', videoBlobId, durationSeconds });
    return { durationSeconds, sizeBytes: size };
  });
}

/** Sound that nobody asked for is left out, as are a size and a rate that the order leaves to its clips. */
function orderOf(job: JobRow, probes: readonly ClipProbe[]): CutOrder {
  const { orderedResolution: resolution, orderedFrameRate, aspectRatio, transition } = job;
  return {
    transition,
    sound: job.generateAudio ? 'keep' : 'none',
    ...(resolution !== null && { size: orderedSize(probes, { resolution, aspectRatio }) }),
    ...(orderedFrameRate !== null && { frameRate: { num: orderedFrameRate, den: 1 } }),
  };
}

function blobOf(clip: ClipRecord): string {
  if (clip.blobId !== null) return clip.blobId;
  throw new ReelwrightError('INTERNAL', `expected clip ${clip.number} to be stored, it is ${clip.status}`);
}

async function moveOn({ knex }: ActivityDeps, run: VideoJobInput, change: JobChange): Promise<JobRow> {
  const job = await moveJobReading<JobRow>(knex, run, NOT_CANCELLED, change, jobColumns(knex));
  if (job !== undefined) return job;
  throw new ReelwrightError('WRONG_STATE', `job ${run.jobId} was cancelled or is run again: its video is not stored`);
}
