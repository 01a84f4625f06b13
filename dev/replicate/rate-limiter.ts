/**
 * A bucket of one minute's worth of requests that refills evenly: short bursts pass, a steady rate above the limit
 * does not. A limit of 0 lets everything through.
 */
export class RateLimiter {
  readonly #perMinute: number;
  readonly #now: () => number;
  #tokens: number;
  #refilledAt: number;

  /** `now` gives milliseconds of a clock that never goes back. */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute;
    this.#now = now;
    this.#tokens = perMinute;
    this.#refilledAt = now();
  }

  /** Takes one request from the bucket; when it is empty, the whole seconds until the next one fits. */
  take(): { allowed: true } | { allowed: false; retryAfterSeconds: number } {
    if (this.#perMinute === 0) return { allowed: true };
    const now = this.#now();
    const perMillisecond = this.#perMinute / 60_000;
    this.#tokens = Math.min(this.#perMinute, this.#tokens + (now - this.#refilledAt) * perMillisecond);
    this.#refilledAt = now;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return { allowed: true };
    }
    const waitMs = (1 - this.#tokens) / perMillisecond;
    return { allowed: false, retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) };
  }
}
