import { describe, expect, it } from 'vitest';
import type { Problem } from './problems.js';
import { cancelAfterMs, waitSeconds } from './request-headers.js';

describe('the Prefer header', () => {
  it.each([
    [undefined, undefined],
    ['respond-async', undefined],
    ['wait', 60],
    ['wait=1', 1],
    ['wait=60', 60],
    ['wait=99', 60],
    ['respond-async, wait=7', 7],
  ])('%s holds the answer for %s seconds', (header, seconds) => {
    expect(waitSeconds(header)).toBe(seconds);
  });

  it.each(['wait=0', 'wait=abc', 'wait=100', 'wait=', 'wait=1.5'])('%s is refused with 422', (header) => {
    expect(() => waitSeconds(header)).toThrow(expect.objectContaining({ status: 422 }) as Problem);
  });
});

describe('the Cancel-After header', () => {
  it.each([
    [undefined, undefined],
    ['30', 30_000],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h30m45s', 5_445_000],
    ['2h', 7_200_000],
    ['1m5', 65_000],
  ])('%s is %s ms', (header, milliseconds) => {
    expect(cancelAfterMs(header)).toBe(milliseconds);
  });

  it.each(['4', '4s', '0m', '', 's', '5 m', '-30', '1.5h', '5m1h', 'soon'])('"%s" is refused with 422', (header) => {
    expect(() => cancelAfterMs(header)).toThrow(expect.objectContaining({ status: 422 }) as Problem);
  });
});
