import { describe, expect, it } from 'vitest';
import { createPercentNotes } from './percent-notes.js';

/** Writes that end when the test says so. */
function slowWrites() {
  const written: number[] = [];
  const ends: (() => void)[] = [];
  const write = async (percent: number): Promise<void> => {
    written.push(percent);
    await new Promise<void>((end) => ends.push(end));
  };
  const endOne = async (): Promise<void> => {
    ends.shift()?.();
    await new Promise((resume) => setImmediate(resume));
  };
  return { written, write, endOne };
}

const never = (error: unknown): never => {
  throw error;
};

describe('percent notes', () => {
  it('write one at a time, and of what came meanwhile the latest', async () => {
    const { written, write, endOne } = slowWrites();
    const notes = createPercentNotes(write, never);
    for (const fraction of [0.101, 0.2, 0.3, 0.4]) notes.report(fraction);
    expect(written).toEqual([10]);
    await endOne();
    expect(written).toEqual([10, 40]);
    const settled = notes.settle();
    await endOne();
    await settled;
    notes.report(0.5);
    expect(written).toEqual([10, 40, 50]);
  });

  it('write each percent once, never go back, and leave 100 to whoever knows', async () => {
    const written: number[] = [];
    const notes = createPercentNotes(async (percent) => void written.push(percent), never);
    for (const fraction of [0, 0.005, 0.3, 0.301, 0.1, 1]) {
      notes.report(fraction);
      await notes.settle();
    }
    expect(written).toEqual([30, 99]);
  });

  it('go on after a write that failed, which is told', async () => {
    const errors: unknown[] = [];
    const written: number[] = [];
    const notes = createPercentNotes(
      async (percent) => {
        if (percent === 10) throw new Error('the database is away');
        written.push(percent);
      },
      (error) => errors.push(error),
    );
    notes.report(0.1);
    await notes.settle();
    notes.report(0.2);
    await notes.settle();
    expect([written, errors.map(String)]).toEqual([[20], ['Error: the database is away']]);
  });
});
