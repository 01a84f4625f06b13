import { describe, expect, it } from 'vitest';
import { mayMove, PREDICTION_STATES, statesBefore } from './ledger.js';
import { fingerprintOf, mayTryAgain, type PredictionCost, predictionCostUsd } from './purchase.js';

describe('the ledger’s states', () => {
  const allowed = [
    'intended>posting',
    'intended>canceled',
    'posting>known',
    'posting>unknown',
    'posting>failed',
    'unknown>known',
    'unknown>failed',
    'known>succeeded',
    'known>failed',
    'known>canceled',
    'known>aborted',
    'succeeded>stored',
  ];
  const all = PREDICTION_STATES.flatMap((from) => PREDICTION_STATES.map((to) => [from, to] as const));

  it.each(all)('%s to %s', (from, to) => expect(mayMove(from, to)).toBe(allowed.includes(`${from}>${to}`)));

  it('never lead back to an intent or to a POST from anywhere but an intent', () => {
    expect(statesBefore('intended')).toEqual([]);
    expect(statesBefore('posting')).toEqual(['intended']);
  });
});

describe('fingerprintOf', () => {
  const hash = (text: string): string => `<${text}>`;

  it('is the seed, else the link of the first image, else the whole input', () => {
    expect(fingerprintOf({ seed: 0, image: 'https://a/1' }, hash)).toBe('seed:0');
    expect(fingerprintOf({ first_frame_image: 'https://a/1' }, hash)).toBe('link:https://a/1');
    expect(fingerprintOf({ prompt: 'a', duration: 6 }, hash)).toBe('input:<[["duration",6],["prompt","a"]]>');
  });

  it('does not depend on the order in which an input is told', () => {
    expect(fingerprintOf({ prompt: 'a', duration: 6 }, hash)).toBe(fingerprintOf({ duration: 6, prompt: 'a' }, hash));
  });
});

describe('predictionCostUsd', () => {
  const cost = (change: Partial<PredictionCost>): number =>
    predictionCostUsd({
      status: 'succeeded',
      started: true,
      estimateUsd: 0.8,
      orderedSeconds: 8,
      metrics: {},
      ...change,
    });

  it.each<[string, Partial<PredictionCost>, number]>([
    ['succeeded', {}, 0.8],
    ['succeeded with fewer seconds than ordered', { metrics: { video_output_duration_seconds: 6 } }, 0.6],
    ['canceled after its start', { status: 'canceled' }, 0.8],
    ['canceled before its start', { status: 'canceled', started: false }, 0],
    ['failed', { status: 'failed' }, 0],
    ['aborted', { status: 'aborted', started: false }, 0],
  ])('of one that %s', (_, change, usd) => expect(cost(change)).toBe(usd));
});

describe('mayTryAgain', () => {
  const row = (change: object) => ({
    state: 'failed' as const,
    providerId: null,
    error: { code: 'PROVIDER_RATE_LIMITED' as const, message: '' },
    ...change,
  });

  it('only after a purchase that is proven not to exist, for a reason that may pass', () => {
    expect(mayTryAgain(row({}))).toBe(true);
    expect(mayTryAgain(row({ providerId: 'p1' }))).toBe(false);
    expect(mayTryAgain(row({ state: 'unknown' }))).toBe(false);
    expect(mayTryAgain(row({ state: 'canceled' }))).toBe(false);
    expect(mayTryAgain(row({ error: { code: 'PROVIDER_REJECTED_INPUT', message: '' } }))).toBe(false);
  });
});
