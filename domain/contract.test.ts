import { expect, it } from 'vitest';
import { generationId, parseSubject, videoJobId } from './contract.js';

const job = '0190a3b4-0000-7000-8000-000000000000';

it('names workflows so that lists sort', () => {
  expect(videoJobId(job)).toBe(`video-job-${job}`);
  expect(generationId(job, 'clip:3')).toBe(`video-job-${job}-clip-03`);
  expect(generationId(job, 'music:12')).toBe(`video-job-${job}-music-12`);
  expect(generationId(job, 'clip:100')).toBe(`video-job-${job}-clip-100`);
});

it.each(['clip', 'clip:', 'clip:0', 'clip:01', 'clip:-1', 'clip:1.5', 'film:1', 'clip:1 ', ''])(
  'refuses %j as a subject',
  (text) => {
    expect(() => parseSubject(text)).toThrow(RangeError);
  },
);
