import { expect, test } from 'vitest';
import { throughput } from './figures.js';

const rounds = (ours: number[], instant: number[], bare: number[]): Map<string, number[]> =>
  new Map([
    ['ours', ours],
    ['instant', instant],
    ['bare', bare],
  ]);

test('ours is compared with each reference in the same round, however fast the machine was in it', () => {
  const { measures } = throughput('', rounds([4, 2, 1], [5, 2.5, 1.25], [8, 4, 2]), 300);
  expect(measures.map(({ name, ratio, reference, goal }) => [name, ratio, reference, goal?.atLeast])).toEqual([
    ['ours', 0.8, 'instant', 0.8],
    ['ours, once more', 0.5, 'bare', 0.55],
    ['instant', undefined, undefined, undefined],
    ['bare', undefined, undefined, undefined],
  ]);
});

test('one round that something disturbed does not decide, as it would by the medians: 3 of 5', () => {
  const { measures } = throughput('', rounds([4, 3, 1], [5, 10, 1.25], [8, 8, 8]), 300);
  expect(measures[0]?.ratio).toBe(0.8);
});
