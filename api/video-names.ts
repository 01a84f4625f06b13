/** Names under which videos are addressed; views write them and routes read them. */
import { API_PREFIX } from './route.js';

/** `clip_001.mp4`: at least three digits, so that lists sort. */
export const clipFileName = (number: number): string => `clip_${String(number).padStart(3, '0')}.mp4`;

/** The clip's number in `clip_001.mp4`, or undefined for any other spelling. */
export function clipNumber(fileName: string): number | undefined {
  const digits = /^clip_(\d{3,6})\.mp4$/.exec(fileName)?.[1];
  return digits !== undefined && clipFileName(Number(digits)) === fileName ? Number(digits) : undefined;
}

export const WATCH_PREFIX = '/watch';

type Query = Record<string, string | undefined>;

/** Path of a job's finished video or of one of its pictures. */
export const videoAddress = (jobId: string, file: string, query: Query = {}): string =>
  `${API_PREFIX}/videos/${jobId}/${file}${queryText(query)}`;

/** Path of the page that plays a job's finished video. */
export const watchAddress = (jobId: string, query: Query = {}): string => `${WATCH_PREFIX}/${jobId}${queryText(query)}`;

function queryText(query: Query): string {
  const text = Object.entries(query)
    .flatMap(([name, value]) => (value === undefined ? [] : `${name}=${encodeURIComponent(value)}`))
    .join('&');
  return text === '' ? '' : `?${text}`;
}
