/** What all kinds of renditions have in common: the row is taken, the videos lie in a folder, the result is kept. */
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Context } from '@temporalio/activity';
import type { RenditionInput, RenditionResult } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { VIDEO_TYPES } from '../domain/renditions.js';
import { requireDiskRoom } from '../media/ffmpeg/disk-room.js';
import { withWorkDir } from '../media/ffmpeg/work-dir.js';
import { moveRendition, setRenditionPercent } from '../storage/rendition-moves.js';
import { findRendition, type RenditionRecord } from '../storage/renditions-repository.js';
import type { ActivityDeps } from './deps.js';
import { withHeartbeat } from './heartbeat.js';
import { createPercentNotes } from './percent-notes.js';

export interface RenditionWork {
  rendition: RenditionRecord;
  /** The files of its videos, in playing order. */
  inputs: string[];
  /** Where the result is to be made; on the same file system as `dir`. */
  output: string;
  dir: string;
  signal: AbortSignal;
  /** Takes how much is done, 0 to 1. */
  onProgress: (fraction: number) => void;
}

/**
 * Runs `make` on the files of a rendition's videos and stores what it makes as the rendition's. One that is completed
 * is not made again. Throws NOT_FOUND without the row, WRONG_STATE when its end came meanwhile, and what `make` throws.
 */
export async function makeRendition(
  { knex, blobs, workRoot, logger }: ActivityDeps,
  { renditionId }: RenditionInput,
  make: (work: RenditionWork) => Promise<{ durationSeconds: number }>,
): Promise<RenditionResult> {
  const rendition = await findRendition(knex, renditionId);
  if (rendition === undefined) throw new ReelwrightError('NOT_FOUND', `expected a row for rendition ${renditionId}`);
  const { status, durationSeconds: seconds, sizeBytes } = rendition;
  if (status === 'completed' && seconds !== null && sizeBytes !== null) return { durationSeconds: seconds, sizeBytes };
  await requireMoved(moveRendition(knex, renditionId, { status: 'running', percent: 0, error: null }));
  return await withHeartbeat(async (report) => {
    const signal = Context.current().cancellationSignal;
    return await withWorkDir(workRoot, rendition.kind, async (dir) => {
      const sourceBytes = rendition.sources.reduce((sum, source) => sum + (source.sizeBytes ?? 0), 0);
      // A cut looks by itself for the room of its result; an export is seldom larger than its video.
      await requireDiskRoom(dir, rendition.kind === 'export' ? 2 * sourceBytes : sourceBytes);
      const inputs: string[] = [];
      for (const [index, { blobId }] of rendition.sources.entries()) {
        if (blobId === null) {
          throw new ReelwrightError(
            'MEDIA_DELETED',
            `video ${index + 1} of rendition ${renditionId} is not kept any more`,
          );
        }
        const path = join(dir, `video-${index + 1}.mp4`);
        await pipeline(blobs.open(blobId), createWriteStream(path), { signal });
        inputs.push(path);
      }
      const output = join(dir, `result.${rendition.format}`);
      const notes = createPercentNotes(
        (percent) => setRenditionPercent(knex, renditionId, percent),
        (error) => logger.warn({ err: error, renditionId }, 'the progress of a rendition could not be noted'),
      );
      const onProgress = (fraction: number): void => {
        report({ made: fraction });
        notes.report(fraction);
      };
      let durationSeconds: number;
      try {
        ({ durationSeconds } = await make({ rendition, inputs, output, dir, signal, onProgress }));
      } finally {
        await notes.settle();
      }
      const contentType = VIDEO_TYPES[rendition.format];
      const { id: blobId, size } = await blobs.put(createReadStream(output), { contentType, signal });
      const end = { status: 'completed', percent: 100, blobId, durationSeconds, completed: true } as const;
      await requireMoved(moveRendition(knex, renditionId, end));
      return { durationSeconds, sizeBytes: size };
    });
  });

  async function requireMoved(moving: Promise<boolean>): Promise<void> {
    if (await moving) return;
    const seen = (await findRendition(knex, renditionId))?.status ?? 'gone';
    throw new ReelwrightError(
      'WRONG_STATE',
      `expected rendition ${renditionId} to be wanted, it is ${seen} or being cancelled`,
    );
  }
}
