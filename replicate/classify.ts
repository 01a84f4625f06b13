/** The one place where what the provider answers becomes one of our errors. */
import { ERRORS, type ErrorCode, ReelwrightError } from '../domain/errors.js';

/** Statuses whose answer to a create proves that nothing was created; after any other one it must be looked for. */
const NOT_CREATED = new Set([400, 401, 402, 403, 404, 413, 422, 429]);

export const provesNotCreated = (status: number): boolean => NOT_CREATED.has(status);

/** Problems of connecting, by code of Node's sockets and of undici: the request was never written. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** True where a failed request cannot have reached anybody, because there was no connection to write it to. */
export function neverSent(failure: unknown): boolean {
  const cause = failure instanceof Error ? failure.cause : undefined;
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && NEVER_SENT.has(code);
}

/** How long to wait when the provider refuses the account: somebody has to act first. */
const ACCOUNT_RETRY_MS = 30_000;
const DEFAULT_RATE_LIMIT_MS = 10_000;

/**
 * The error for an answer that is not a success. Problem shape `{title, detail, status}`; a 429 says in Retry-After or
 * in `retry_after` (seconds) when the limit resets.
 */
export function errorOfAnswer(what: string, status: number, headers: Headers, body: string): ReelwrightError {
  const message = `${what}: the provider answered ${status}${detailOf(body)}`;
  const details = { status };
  if (status === 429) {
    return new ReelwrightError('PROVIDER_RATE_LIMITED', message, {
      details,
      retryAfterMs: retryAfterMs(headers, body),
    });
  }
  if (status === 401 || status === 402 || status === 403) {
    return new ReelwrightError('PROVIDER_ACCOUNT', message, { details, retryAfterMs: ACCOUNT_RETRY_MS });
  }
  if (status === 404) return new ReelwrightError('PROVIDER_NOT_FOUND', message, { details });
  if (status >= 400 && status < 500 && status !== 408) {
    return new ReelwrightError(codeOfText(body) ?? 'PROVIDER_REJECTED_INPUT', message, { details });
  }
  return new ReelwrightError('PROVIDER_UNAVAILABLE', message, { details });
}

/**
 * The same for a request that only looks: what it is refused says nothing of what was bought, so it is asked again. Only
 * that the provider has no such prediction is an answer.
 */
export function errorOfLook(what: string, status: number, headers: Headers, body: string): ReelwrightError {
  const error = errorOfAnswer(what, status, headers, body);
  return error.code === 'PROVIDER_NOT_FOUND' ? error : askedAgain(error);
}

/** R5: a list that fails means waiting, whatever it fails with. */
export const errorOfList: typeof errorOfAnswer = (...answer) => askedAgain(errorOfAnswer(...answer));

function askedAgain(error: ReelwrightError): ReelwrightError {
  const { code, message, details } = error;
  return ERRORS[code].retry
    ? error
    : new ReelwrightError('PROVIDER_UNAVAILABLE', message, { ...(details && { details }) });
}

/** The error for a request that got no answer. */
export function errorOfFailure(what: string, failure: unknown): ReelwrightError {
  const reason =
    failure instanceof Error ? (failure.cause instanceof Error ? failure.cause : failure).message : String(failure);
  return new ReelwrightError('PROVIDER_UNAVAILABLE', `${what}: no answer from the provider (${reason})`, {
    cause: failure,
  });
}

/**
 * The error that a failed prediction stands for. Codes E005 (refused content), E006 (an input that could not be read),
 * and E1000, E1001, E6716 (the provider's own: unknown, out of memory, timed out at the start) stand in the prediction's `error` text (replicate.com/docs/reference/error-codes).
 */
export function errorOfPrediction(id: string, error: string | null): ReelwrightError {
  const text = error ?? 'no reason given';
  return new ReelwrightError(codeOfText(text) ?? 'PREDICTION_FAILED', `prediction ${id} failed: ${short(text)}`, {
    details: { predictionId: id },
  });
}

function codeOfText(text: string): ErrorCode | undefined {
  if (/\bE005\b|flagged as sensitive/i.test(text)) return 'PROVIDER_REFUSED_CONTENT';
  if (/\bE006\b/.test(text)) return 'PROVIDER_INPUT_UNREADABLE';
  if (/\bE(1000|1001|6716)\b/.test(text)) return 'PROVIDER_FAULT';
  if (/input validation error/i.test(text)) return 'PROVIDER_REJECTED_INPUT';
  return undefined;
}

function retryAfterMs(headers: Headers, body: string): number {
  const header = headers.get('retry-after');
  if (header !== null) {
    if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
    const date = Date.parse(header);
    if (!Number.isNaN(date)) return Math.max(0, date - Date.now());
  }
  const stated = parsed(body)?.['retry_after'];
  return typeof stated === 'number' && stated >= 0 ? stated * 1000 : DEFAULT_RATE_LIMIT_MS;
}

function detailOf(body: string): string {
  const problem = parsed(body);
  const detail = problem?.['detail'] ?? problem?.['title'];
  return typeof detail === 'string' ? `: ${short(detail)}` : '';
}

function parsed(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Without halves of characters, which Postgres refuses in JSON. */
const short = (text: string): string =>
  (text.length > 500 ? `${text.slice(0, 497)}...` : text).replaceAll(/\p{Surrogate}/gu, '\uFFFD');
