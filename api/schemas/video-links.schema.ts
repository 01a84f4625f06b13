/** Links that show a video to whoever holds them. */
import { z } from 'zod';
import { id, name } from '../../domain/fields.schema.js';
import { timestamp, versionQuery } from './common.schema.js';

const DAY_SECONDS = 24 * 60 * 60;
export const DEFAULT_LINK_SECONDS = 7 * DAY_SECONDS;
export const MAX_LINK_SECONDS = 365 * DAY_SECONDS;

export const newVideoLink = z.strictObject({
  expiresInSeconds: z
    .int()
    .min(1)
    .max(MAX_LINK_SECONDS)
    .default(DEFAULT_LINK_SECONDS)
    .describe('How long the link opens the video. Default 7 days, at most 365.'),
  name: name.optional().describe('For your own lists; whoever holds the link does not see it.'),
});

export const videoLinkParams = z.object({ id, linkId: id });

export const videoLinkJson = z.strictObject({
  id: z.uuid(),
  videoId: z.uuid().describe('The job whose present video the link shows.'),
  name: z.string().nullable(),
  url: z.string().describe('Path of a page that plays the video; needs no key.'),
  videoUrl: z.string().describe('Path of the video itself; needs no key.'),
  createdAt: timestamp,
  expiresAt: timestamp,
  revokedAt: timestamp.nullable(),
  viewCount: z.int().describe('Viewings that began; a viewer who comes back within hours is counted once.'),
  lastViewedAt: timestamp.nullable().describe('To within some minutes.'),
});
export type VideoLinkJson = z.output<typeof videoLinkJson>;

/** What an answer is kept without: the addresses open the video, and are made anew from the rest. */
export type KeptVideoLink = Omit<VideoLinkJson, 'url' | 'videoUrl'>;

const token = z.string().optional().describe("From a link's videoUrl; instead of a key.");

export const watchQuery = z.object({ token });

export const sharedQuery = versionQuery.extend({ token });

export const sharedVideoQuery = sharedQuery.extend({
  download: z.enum(['0', '1']).optional().describe('1: offered for saving, under the name of the job.'),
});
