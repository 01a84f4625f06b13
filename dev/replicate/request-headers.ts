import { Problem } from './problems.js';

const MAX_WAIT_SECONDS = 60;
const MIN_CANCEL_AFTER_SECONDS = 5;

/**
 * Seconds that `Prefer` asks to hold the answer, undefined where it asks nothing. A bare `wait` is 60 s.
 * Pattern and limit: parameter `prefer_header` of the provider's OpenAPI file.
 * Throws a 422 problem for a malformed `wait`.
 */
export function waitSeconds(prefer: string | undefined): number | undefined {
  for (const preference of (prefer ?? '').split(',').map((part) => part.trim())) {
    if (!/^wait\b/.test(preference)) continue;
    if (preference === 'wait') return MAX_WAIT_SECONDS;
    const seconds = /^wait=([1-9][0-9]?)$/.exec(preference)?.[1];
    if (seconds === undefined) {
      throw new Problem(422, {
        title: 'Invalid Prefer header',
        detail: `Prefer must be "wait" or "wait=n" with n from 1 to ${MAX_WAIT_SECONDS}, got "${preference}"`,
      });
    }
    return Math.min(Number(seconds), MAX_WAIT_SECONDS);
  }
  return undefined;
}

/**
 * Milliseconds of a `Cancel-After` header such as `30`, `90s`, `5m` or `1h30m45s`; undefined where it is absent.
 * `replicate.com/changelog/2025-10-16-prediction-deadlines`. Throws a 422 problem when malformed or under 5 s.
 */
export function cancelAfterMs(cancelAfter: string | undefined): number | undefined {
  if (cancelAfter === undefined) return undefined;
  const text = cancelAfter.trim();
  const match = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$/.exec(text);
  const [hours, minutes, seconds] = (match ?? []).slice(1).map((part) => Number(part ?? 0));
  const total = (hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0);
  if (match === null || text === '' || total < MIN_CANCEL_AFTER_SECONDS) {
    throw new Problem(422, {
      title: 'Invalid Cancel-After header',
      detail: `Cancel-After must be a duration such as 30, 90s, 5m or 1h30m45s of at least ${MIN_CANCEL_AFTER_SECONDS} seconds, got "${text}"`,
    });
  }
  return total * 1000;
}
