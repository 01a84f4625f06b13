/** One refused field, as the provider lists it in `invalid_fields`. `field` is empty for the body itself. */
export interface InvalidField {
  type: string;
  field: string;
  description: string;
}

export interface ProblemOptions {
  title?: string;
  detail: string;
  invalidFields?: InvalidField[];
  /** Whole seconds; also sent as the Retry-After header. */
  retryAfterSeconds?: number;
  cause?: unknown;
}

/** An answer other than success, in the provider's shape `{title, detail, status}`. */
export class Problem extends Error {
  readonly status: number;
  readonly title: string | undefined;
  readonly invalidFields: InvalidField[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, options: ProblemOptions) {
    super(options.detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Problem';
    this.status = status;
    this.title = options.title;
    this.invalidFields = options.invalidFields;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  toJSON(): Record<string, unknown> {
    return {
      ...(this.title === undefined ? {} : { title: this.title }),
      detail: this.message,
      status: this.status,
      ...(this.invalidFields === undefined ? {} : { invalid_fields: this.invalidFields }),
      ...(this.retryAfterSeconds === undefined ? {} : { retry_after: this.retryAfterSeconds }),
    };
  }
}

export function unauthenticated(): Problem {
  return new Problem(401, {
    title: 'Unauthenticated',
    detail: 'You did not pass a valid authentication token',
  });
}

export function insufficientCredit(): Problem {
  return new Problem(402, {
    title: 'Insufficient credit',
    detail: 'You have insufficient credit to run this model. Purchase credit and try again in a few minutes.',
  });
}

export function notFound(detail = 'The requested resource could not be found.'): Problem {
  return new Problem(404, { title: 'Not found', detail });
}

/** `replicate.com/docs/topics/predictions/rate-limits`, with the fields seen live in nodetool-ai/nodetool#5196. */
export function throttled(retryAfterSeconds: number): Problem {
  return new Problem(429, {
    detail: `Request was throttled. Your rate limit resets in ~${retryAfterSeconds}s.`,
    retryAfterSeconds,
  });
}

/** The provider repeats every refused field as one line of `detail`. */
export function inputValidationFailed(fields: InvalidField[]): Problem {
  const lines = fields.map((field) => `- ${field.field === '' ? '' : `${field.field}: `}${field.description}\n`);
  return new Problem(422, { title: 'Input validation failed', detail: lines.join(''), invalidFields: fields });
}

export function invalidVersion(): Problem {
  return new Problem(422, {
    title: 'Invalid version or not permitted',
    detail: "The specified version does not exist (or perhaps you don't have permission to use it?)",
  });
}

export function internalError(): Problem {
  return new Problem(500, { title: 'Internal server error', detail: 'An internal error occurred.' });
}
