import { describe, expect, it } from 'vitest';
import { settleAll } from './settle.js';

describe('settleAll', () => {
  it('gives the results in order', async () => {
    expect(await settleAll([Promise.resolve(1), Promise.resolve('two')])).toEqual([1, 'two']);
  });

  it('waits for all before it throws the first failure in order', async () => {
    const [late, early] = [new Error('late'), new Error('early')];
    let ended = false;
    const slow = new Promise<void>((_, reject) => {
      setTimeout(() => {
        ended = true;
        reject(late);
      }, 20);
    });
    await expect(settleAll([slow, Promise.reject(early)])).rejects.toBe(late);
    expect(ended).toBe(true);
  });
});
