import { expect, it } from 'vitest';
import { RateLimiter } from './rate-limiter.js';

it('lets a whole minute’s requests through at once, then one for each that refills', () => {
  let now = 0;
  const limiter = new RateLimiter(6, () => now);
  for (let n = 0; n < 6; n += 1) expect(limiter.take()).toEqual({ allowed: true });
  expect(limiter.take()).toEqual({ allowed: false, retryAfterSeconds: 10 });
  now = 9_000;
  expect(limiter.take()).toEqual({ allowed: false, retryAfterSeconds: 1 });
  now = 10_000;
  expect(limiter.take()).toEqual({ allowed: true });
  expect(limiter.take()).toEqual({ allowed: false, retryAfterSeconds: 10 });
});

it('never holds more than a minute’s requests, however long it was idle', () => {
  let now = 0;
  const limiter = new RateLimiter(2, () => now);
  now = 3_600_000;
  expect([limiter.take().allowed, limiter.take().allowed, limiter.take().allowed]).toEqual([true, true, false]);
});

it('has no limit at 0', () => {
  const limiter = new RateLimiter(0, () => 0);
  for (let n = 0; n < 5_000; n += 1) expect(limiter.take().allowed).toBe(true);
});
