import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from './errors.js';
import { isSpent, mayMove, PREDICTION_STATES, statesBefore } from './ledger.js';
import {
  type AttemptFacts,
  fingerprintOf,
  type NextAttempt,
  nextAttempt,
  type OpenedBy,
  type PredictionCost,
  predictionCostUsd,
} from './purchase.js';

describe('the ledger’s states', () => {
  const allowed = [
    'intended>posting',
    'intended>canceled',
    // A database that has fallen back behind the post, while somebody holds its answer.
    'intended>known',
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

describe('nextAttempt', () => {
  const row = (change: Partial<AttemptFacts> & { code?: ErrorCode }): AttemptFacts => {
    const { code, ...facts } = change;
    const error = code === undefined ? null : { code, message: '' };
    return { state: 'failed', providerId: 'p1', openedBy: 'order', error, ...facts };
  };
  const open = (openedBy: OpenedBy): NextAttempt => ({ kind: 'open', openedBy });

  it('opens the first by the order', () => expect(nextAttempt([])).toEqual(open('order')));

  it.each(PREDICTION_STATES.filter((state) => !isSpent(state)))('carries on what is %s', (state) => {
    expect(nextAttempt([row({ state })])).toEqual({ kind: 'current' });
  });

  it('gives up what succeeded only when its output is lost', () => {
    expect(nextAttempt([row({ state: 'succeeded', code: 'OUTPUT_LOST' })])).toEqual({ kind: 'spent' });
    expect(nextAttempt([row({ state: 'succeeded', code: 'OUTPUT_BROKEN' })])).toEqual({ kind: 'current' });
  });

  it.each(Object.keys(ERRORS) as ErrorCode[])('after a purchase that was never created because of %s', (code) => {
    const expected = ERRORS[code].retry ? open('again') : { kind: 'spent' };
    expect(nextAttempt([row({ providerId: null, code })])).toEqual(expected);
  });

  it('opens another one where an intent was withdrawn before its POST', () => {
    expect(nextAttempt([row({ state: 'canceled', providerId: null })])).toEqual(open('again'));
  });

  const automatic = ['PROVIDER_FAULT', 'PREDICTION_ABORTED', 'PROVIDER_INPUT_UNREADABLE'];
  it.each(Object.keys(ERRORS) as ErrorCode[])('after a prediction that ended with %s', (code) => {
    const expected = automatic.includes(code) ? open('automatic') : { kind: 'spent' };
    expect(nextAttempt([row({ code })])).toEqual(expected);
  });

  it('opens at most two by itself, counted from the last word of somebody', () => {
    const fault = (openedBy: OpenedBy): AttemptFacts => row({ code: 'PROVIDER_FAULT', openedBy });
    expect(nextAttempt([fault('automatic'), fault('order')])).toEqual(open('automatic'));
    expect(nextAttempt([fault('automatic'), fault('automatic'), fault('order')])).toEqual({ kind: 'spent' });
    for (const word of ['decision', 'retry', 'regenerate'] as const) {
      const before = [fault('automatic'), fault('automatic'), fault('order')];
      expect(nextAttempt([fault(word), ...before])).toEqual(open('automatic'));
      expect(nextAttempt([fault('automatic'), fault('automatic'), fault(word), ...before])).toEqual({ kind: 'spent' });
    }
  });

  it('does not count attempts that were never created', () => {
    const refused = row({ providerId: null, code: 'PROVIDER_RATE_LIMITED', openedBy: 'again' });
    const fault = row({ code: 'PROVIDER_FAULT', openedBy: 'automatic' });
    expect(nextAttempt([fault, refused, refused, row({ code: 'PROVIDER_FAULT' })])).toEqual(open('automatic'));
  });
});
