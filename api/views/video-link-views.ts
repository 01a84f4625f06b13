import type { VideoLinkTokens } from '../../storage/video-link-tokens.js';
import type { VideoLinkRecord } from '../../storage/video-links.js';
import type { KeptVideoLink, VideoLinkJson } from '../schemas/video-links.schema.js';
import { videoAddress, watchAddress } from '../video-names.js';

export function keptVideoLinkView(link: VideoLinkRecord): KeptVideoLink {
  return {
    id: link.id,
    videoId: link.jobId,
    name: link.name,
    createdAt: link.createdAt.toISOString(),
    expiresAt: link.expiresAt.toISOString(),
    revokedAt: link.revokedAt?.toISOString() ?? null,
    viewCount: link.viewCount,
    lastViewedAt: link.lastViewedAt?.toISOString() ?? null,
  };
}

/** With the addresses that open the video. */
export async function openingView(link: KeptVideoLink, tokens: VideoLinkTokens): Promise<VideoLinkJson> {
  const { id, videoId: jobId, expiresAt } = link;
  const token = await tokens.sign({ id, jobId, expiresAt: new Date(expiresAt) });
  return { ...link, url: watchAddress(jobId, { token }), videoUrl: videoAddress(jobId, 'combined', { token }) };
}
