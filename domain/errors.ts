/**
 * Every error this product can state, in one table: its code, the HTTP status an API client sees, and whether trying
 * the same thing again can help. Runs everywhere, the workflow sandbox included.
 */
export const ERRORS = {
  // The request
  MALFORMED_JSON: { status: 400, retry: false },
  MALFORMED_MULTIPART: { status: 400, retry: false },
  UNAUTHENTICATED: { status: 401, retry: false },
  INVALID_SIGNATURE: { status: 401, retry: false },
  FORBIDDEN: { status: 403, retry: false },
  NOT_FOUND: { status: 404, retry: false },
  METHOD_NOT_ALLOWED: { status: 405, retry: false },
  WRONG_STATE: { status: 409, retry: false },
  IDEMPOTENCY_KEY_IN_USE: { status: 409, retry: true },
  MEDIA_DELETED: { status: 410, retry: false },
  PRECONDITION_FAILED: { status: 412, retry: false },
  BODY_TOO_LARGE: { status: 413, retry: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retry: false },
  RANGE_NOT_SATISFIABLE: { status: 416, retry: false },
  VALIDATION_FAILED: { status: 422, retry: false },
  NOT_YET_SUPPORTED: { status: 422, retry: false },
  ASSET_NOT_FOUND: { status: 422, retry: false },
  CAMPAIGN_NOT_FOUND: { status: 422, retry: false },
  CLIENT_NOT_FOUND: { status: 422, retry: false },
  VIDEO_NOT_FOUND: { status: 422, retry: false },
  NOT_ENOUGH_IMAGES: { status: 422, retry: false },
  IDEMPOTENCY_KEY_REUSED: { status: 422, retry: false },
  URL_REFUSED: { status: 422, retry: false },
  IMAGE_NOT_FETCHED: { status: 422, retry: false },
  IMAGE_UNREACHABLE: { status: 502, retry: true },

  // The provider (classified once, in replicate/)
  PROVIDER_REJECTED_INPUT: { status: 422, retry: false },
  PROVIDER_REFUSED_CONTENT: { status: 422, retry: false },
  PROVIDER_ACCOUNT: { status: 503, retry: true },
  PROVIDER_RATE_LIMITED: { status: 503, retry: true },
  PROVIDER_UNAVAILABLE: { status: 503, retry: true },
  PROVIDER_NOT_FOUND: { status: 502, retry: false },
  PROVIDER_INPUT_UNREADABLE: { status: 502, retry: false },
  PROVIDER_FAULT: { status: 502, retry: false },
  PREDICTION_FAILED: { status: 502, retry: false },
  PREDICTION_CANCELED: { status: 502, retry: false },
  PREDICTION_ABORTED: { status: 502, retry: false },

  // The purchase
  PURCHASE_PENDING: { status: 503, retry: true },
  PURCHASE_UNKNOWN: { status: 502, retry: false },
  PURCHASE_LIMIT: { status: 503, retry: true },
  PURCHASING_PAUSED: { status: 503, retry: true },
  LEDGER_BEHIND: { status: 503, retry: true },
  BUDGET_EXCEEDED: { status: 422, retry: false },

  // What was bought
  OUTPUT_UNREACHABLE: { status: 502, retry: true },
  OUTPUT_BROKEN: { status: 502, retry: true },
  OUTPUT_LOST: { status: 502, retry: false },
  OUTPUT_HOST_REFUSED: { status: 502, retry: false },

  // The job
  NO_CLIPS: { status: 422, retry: false },
  NO_MUSIC: { status: 422, retry: false },
  WORKFLOW_ENDED: { status: 500, retry: false },

  // The cut
  MEDIA_UNREADABLE: { status: 422, retry: false },
  FFMPEG_FAILED: { status: 500, retry: true },
  NO_DISK_SPACE: { status: 503, retry: true },
  CUT_WRONG: { status: 500, retry: false },
  EXPORT_WRONG: { status: 500, retry: false },
  ENCODER_MISSING: { status: 500, retry: false },

  // The store
  STORAGE_FULL: { status: 507, retry: false },

  // Ourselves
  SELF_TEST_FAILED: { status: 500, retry: false },
  NOT_READY: { status: 503, retry: true },
  DATABASE_TOO_NEW: { status: 503, retry: false },
  INTERNAL: { status: 500, retry: true },
} as const satisfies Record<string, { status: number; retry: boolean }>;

export type ErrorCode = keyof typeof ERRORS;

export interface ReelwrightErrorOptions {
  /** Machine-readable facts beside the message: the field's path, what was expected, what was seen. JSON only, no secrets. */
  details?: Record<string, unknown>;
  cause?: unknown;
  /** How long to wait before trying again, in milliseconds, where somebody said so (Retry-After). */
  retryAfterMs?: number;
}

/** A failure that has been classified: its code is in `ERRORS`, its message says what was expected and what was seen. */
export class ReelwrightError extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, unknown> | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: ReelwrightErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ReelwrightError';
    this.code = code;
    this.details = options.details;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** True where `error` is a ReelwrightError with one of the given codes (any code when none is given). */
export function isReelwrightError(error: unknown, ...codes: ErrorCode[]): error is ReelwrightError {
  return error instanceof ReelwrightError && (codes.length === 0 || codes.includes(error.code));
}
