/** The page that plays a finished video, for its owner and for whoever holds a link to it. */
import { ReelwrightError } from '../../domain/errors.js';
import { mediaVersion } from '../../domain/media-version.js';
import { inSeconds } from '../../storage/signed-tokens.js';
import type { ApiDeps } from '../deps.js';
import { defineRoute, type Route } from '../route.js';
import { idParams } from '../schemas/common.schema.js';
import { watchQuery } from '../schemas/video-links.schema.js';
import { DEFAULT_VIEWING_SECONDS, readSharedVideo, type SharedVideo } from '../shared-video.js';
import { videoAddress, WATCH_PREFIX } from '../video-names.js';
import { sendFailurePage, sendWatchPage } from '../watch/watch-page.js';

export function watchRoutes(deps: ApiDeps): Route[] {
  const { videoLinks, config } = deps;
  return [
    defineRoute({
      method: 'get',
      path: `${WATCH_PREFIX}/:id`,
      operation: 'watchVideo',
      tag: 'Videos',
      summary: 'Watch a finished video on a page',
      description:
        'Below no prefix: this is the address that people see. A failure is a page too, with its true status.',
      access: 'key-or-link',
      params: idParams,
      query: watchQuery,
      success: { status: 200, body: { kind: 'page', sendFailure: sendFailurePage } },
      async handle(ctx, { params }) {
        const shared = await readSharedVideo(ctx, deps, params.id, 'page');
        const { job, link } = shared;
        const { videoSha256, posterSha256, sizeBytes } = job;
        if (videoSha256 === null || sizeBytes === null) {
          throw new ReelwrightError('NOT_FOUND', `job ${job.id} has no video yet`);
        }
        const token = await viewingToken(shared);
        const address = (file: string, sha256: string, download?: '1'): string =>
          videoAddress(job.id, file, { ...(token === undefined ? { v: mediaVersion(sha256) } : { token }), download });
        sendWatchPage(ctx, {
          title: job.name,
          videoUrl: address('combined', videoSha256),
          downloadUrl: address('combined', videoSha256, '1'),
          posterUrl: posterSha256 === null ? undefined : address('poster.jpg', posterSha256),
          aspectRatio: job.aspectRatio,
          durationSeconds: job.durationSeconds,
          sizeBytes,
          expiresAt: link?.expiresAt,
        });
      },
    }),
  ];

  /**
   * Opening the page begins a viewing: its player gets a token of the same link that holds for as long as a viewing may
   * last, wherever the viewer goes meanwhile. It opens no other page, since the link's own end counts for that.
   */
  async function viewingToken({ link }: SharedVideo): Promise<string | undefined> {
    if (link === undefined) return undefined;
    const viewingEnds = inSeconds(config.viewingSeconds ?? DEFAULT_VIEWING_SECONDS);
    const expiresAt = viewingEnds > link.expiresAt ? viewingEnds : link.expiresAt;
    return await videoLinks.sign({ ...link, expiresAt });
  }
}
