import type { MediaActivities } from '../domain/activity-contract.js';
import type { ActivityDeps } from './deps.js';
import { keepPoster, withStoredVideo } from './stored-video.js';

/**
 * Takes a frame of a job's video and stores it as its poster, for runs that began before there were other previews.
 * Harmless to repeat.
 */
export function createMakePoster(deps: ActivityDeps): MediaActivities['makePoster'] {
  return ({ jobId }) =>
    withStoredVideo(deps, jobId, 'poster', async (video) => ({ sizeBytes: (await keepPoster(deps, video)).size }));
}
