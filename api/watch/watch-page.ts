import { ERRORS } from '../../domain/errors.js';
import type { ErrorBody } from '../answers.js';
import type { ApiContext } from '../context.js';
import { type Html, html } from './html.js';
import { sendPage } from './page.js';

export interface WatchedVideo {
  title: string;
  videoUrl: string;
  downloadUrl: string;
  posterUrl: string | undefined;
  /** E.g. 16:9, so that the page does not jump when the video is there. */
  aspectRatio: string;
  durationSeconds: number | null;
  sizeBytes: number;
  /** When the link ends; undefined for the owner. */
  expiresAt: Date | undefined;
}

/** The page that plays a video. */
export function sendWatchPage(ctx: ApiContext, video: WatchedVideo): void {
  const [width, height] = video.aspectRatio.split(':');
  const facts = [video.durationSeconds === null ? [] : clockTime(video.durationSeconds), megabytes(video.sizeBytes)];
  const content = html`<video controls playsinline preload="metadata" width="${width}" height="${height}"${posterOf(video)} src="${video.videoUrl}"></video>
<div class="text">
<h1 dir="auto">${video.title}</h1>
<p class="quiet">${facts.flat().join(' · ')}</p>
<p><a class="button" href="${video.downloadUrl}" download>Download</a></p>
${untilWhen(video.expiresAt)}
</div>`;
  sendPage(ctx, 200, { title: video.title, content });
}

const posterOf = ({ posterUrl }: WatchedVideo): Html | undefined =>
  posterUrl === undefined ? undefined : html` poster="${posterUrl}"`;

function untilWhen(expiresAt: Date | undefined): Html {
  if (expiresAt === undefined) return html`<p class="quiet">This page is yours alone. A link shows it to others.</p>`;
  const words = DATE.format(expiresAt);
  return html`<p class="quiet">This link ends on <time datetime="${expiresAt.toISOString()}">${words}</time>.</p>`;
}

/** The server does not know the reader's clock, so it says which one it means. */
const DATE = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
  timeZoneName: 'short',
});

/** E.g. 1:05, 1:00:05. */
function clockTime(seconds: number): string {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [first, ...rest] = parts[0] === 0 ? parts.slice(1) : parts;
  return [String(first), ...rest.map((part) => String(part).padStart(2, '0'))].join(':');
}

/** As file managers count: a megabyte is a million bytes. */
const megabytes = (bytes: number): string => `${(Math.max(bytes, 1e5) / 1e6).toFixed(1)} MB`;

/** The page that says why there is no video. */
export function sendFailurePage(ctx: ApiContext, { code, details }: ErrorBody): void {
  const { status } = ERRORS[code];
  const [title, text] = failureText(status, details?.['reason']);
  const request = status < 500 ? undefined : html`<p class="quiet">Request ${ctx.state.requestId}</p>`;
  const content = html`<div class="text">
<h1>${title}</h1>
<p>${text}</p>
${request}
</div>`;
  sendPage(ctx, status, { title, content });
}

function failureText(status: number, reason: unknown): [title: string, text: string] {
  if (reason === 'expired') return ['This link has expired', 'Ask whoever sent it for a new one.'];
  if (reason === 'revoked') return ['This link was withdrawn', 'Whoever sent it has ended it.'];
  if (reason === 'invalid') return ['This link does not open anything', 'Check that its whole address was copied.'];
  if (status === 401) return ['This page needs a link', 'Its owner can open it with a session, or make a link to it.'];
  if (status < 500) return ['There is no video here', 'It may have been deleted, or is not finished yet.'];
  return ['The video cannot be shown at the moment', 'The fault is on our side. Try again in a while.'];
}
