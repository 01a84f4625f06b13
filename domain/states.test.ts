import { expect, it } from 'vitest';
import { CLIP_STATES, JOB_STATES, jobProgress } from './states.js';

it('says something for every state of a job, with a percent that fits', () => {
  for (const stage of JOB_STATES) {
    const { message, percent } = jobProgress(stage, ['stored', 'generating']);
    expect(message).not.toBe('');
    expect(percent === 100).toBe(stage === 'completed' || stage === 'completed_with_gaps');
  }
});

it('never goes back while clips go on', () => {
  const steps = [
    ['pending', 'pending'],
    ['generating', 'pending'],
    ['storing', 'generating'],
    ['stored', 'storing'],
    ['stored', 'stored'],
  ] as const;
  const percents = steps.map((clips) => jobProgress('generating', clips).percent);
  expect(percents).toEqual(percents.toSorted((a, b) => a - b));
  expect(jobProgress('composing', ['stored', 'stored']).percent).toBeGreaterThanOrEqual(percents.at(-1) ?? 0);
});

it('counts the clips by state, and all of them', () => {
  const { clips } = jobProgress('generating', ['stored', 'stored', 'failed']);
  expect(clips).toMatchObject({ stored: 2, failed: 1, pending: 0, total: 3 });
  expect(Object.keys(clips).sort()).toEqual([...CLIP_STATES, 'total'].sort());
});

it('goes on while the video is cut, to less than a finished one', () => {
  const percents = [0, 0.5, 0.99, 1].map((fraction) => jobProgress('composing', ['stored'], fraction).percent);
  expect(percents).toEqual([90, 94, 98, 99]);
});
