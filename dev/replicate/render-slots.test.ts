import { expect, it } from 'vitest';
import { RenderSlots } from './render-slots.js';

const never = new AbortController().signal;

it('lets two in, and the others in their order as slots are given back', async () => {
  const slots = new RenderSlots(2);
  const entered: number[] = [];
  const enter = async (n: number) => {
    const giveBack = await slots.acquire(never);
    entered.push(n);
    return giveBack;
  };
  const [first, second] = await Promise.all([enter(1), enter(2)]);
  const third = enter(3);
  const fourth = enter(4);
  await Promise.resolve();
  expect(entered).toEqual([1, 2]);
  first();
  // Giving back twice must not let two in.
  first();
  await third;
  expect(entered).toEqual([1, 2, 3]);
  second();
  await fourth;
  expect(entered).toEqual([1, 2, 3, 4]);
});

it('drops a waiting one whose signal aborts, and goes on with the next', async () => {
  const slots = new RenderSlots(1);
  const giveBack = await slots.acquire(never);
  const leaving = new AbortController();
  const dropped = slots.acquire(leaving.signal);
  const next = slots.acquire(never);
  leaving.abort(new Error('gave up'));
  await expect(dropped).rejects.toThrow('gave up');
  giveBack();
  (await next)();
});
