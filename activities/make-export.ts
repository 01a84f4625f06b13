import type { RenditionActivities } from '../domain/activity-contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { exportVideo } from '../media/export/export-video.js';
import type { ActivityDeps } from './deps.js';
import { makeRendition } from './rendition-work.js';

/** Writes a finished video in another format or quality. Harmless to repeat. Throws what `exportVideo` throws. */
export function createMakeExport(deps: ActivityDeps): RenditionActivities['makeExport'] {
  return async (input) =>
    await makeRendition(deps, input, async ({ rendition, inputs, output, signal, onProgress }) => {
      const { format, quality } = rendition;
      const [video] = inputs;
      if (video === undefined || quality === null) {
        throw new ReelwrightError('INTERNAL', `expected export ${rendition.id} to have a video and a quality`);
      }
      return await exportVideo(deps.tools, { input: video, output, format, quality, signal, onProgress });
    });
}
