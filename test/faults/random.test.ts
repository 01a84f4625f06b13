import { describe, expect, it } from 'vitest';
import { createRandom } from './random.js';

const numbers = (seed: number, purpose: string): number[] => {
  const random = createRandom(seed, purpose);
  return Array.from({ length: 1_000 }, () => random.between(1, 6));
};

describe('chance with a seed', () => {
  it('gives the same again for the same seed and purpose, and something else for another', () => {
    expect(numbers(1, 'kills')).toEqual(numbers(1, 'kills'));
    expect(numbers(1, 'kills')).not.toEqual(numbers(2, 'kills'));
    expect(numbers(1, 'kills')).not.toEqual(numbers(1, 'orders'));
  });

  it('gives every whole number between both ends about as often', () => {
    const counts = new Map<number, number>();
    for (const number of numbers(7, 'dice')) counts.set(number, (counts.get(number) ?? 0) + 1);
    expect([...counts.keys()].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    for (const count of counts.values()) expect(count).toBeGreaterThan(100);
  });

  it('shuffles without losing anything', () => {
    const items = Array.from({ length: 20 }, (_, n) => n);
    const shuffled = createRandom(3, 'bag').shuffled(items);
    expect(shuffled).not.toEqual(items);
    expect(shuffled.sort((a, b) => a - b)).toEqual(items);
  });

  it('has nothing to pick from nothing', () => {
    expect(() => createRandom(1, 'x').pick([])).toThrow(RangeError);
  });
});
