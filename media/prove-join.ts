import { ReelwrightError } from '../domain/errors.js';
import type { MediaProbe, VideoStream } from './media-probe.js';
import type { MediaTools } from './media-tools.js';
import { probe } from './probe.js';
import type { RunLimits } from './run-tool.js';
import { isFaststart } from './top-level-boxes.js';

/** An AAC frame: encoders fill the last one up, so a sound may be this much longer than asked. */
const AAC_FRAME_SAMPLES = 1024;

/** What a join is made of, as its clips state it. */
export interface JoinParts {
  videos: readonly VideoStream[];
  hasSound: boolean;
}

/**
 * Proves that a joined file is what its clips make: as long as their pictures together (within one frame for each clip),
 * with as many frames where all of them state a number, with sound to the end where they have it, and playable before it
 * is fetched in full. Throws CUT_WRONG with what was expected and seen.
 */
export async function proveJoin(
  tools: MediaTools,
  path: string,
  parts: JoinParts,
  limits: RunLimits,
): Promise<MediaProbe> {
  const { videos, hasSound } = parts;
  const seen = await probe(tools, path, limits);
  const expectedSeconds = sum(videos.map((video) => video.durationSeconds));
  const slackSeconds = sum(videos.map(longestFrameSeconds));

  if (seen.video === undefined) throw wrong('a picture', 'none');
  expectSeconds('picture', expectedSeconds, seen.video.durationSeconds, slackSeconds);

  const counts = videos.flatMap((video) => video.frameCount ?? []);
  const expectedFrames = sum(counts);
  if (counts.length === videos.length && seen.video.frameCount !== expectedFrames) {
    throw wrong(`${expectedFrames} frames`, `${seen.video.frameCount ?? 'no number of'} frames`);
  }
  if (hasSound !== (seen.audio !== undefined))
    throw wrong(hasSound ? 'sound' : 'no sound', hasSound ? 'none' : 'sound');
  if (seen.audio) {
    const soundSlack = slackSeconds + AAC_FRAME_SAMPLES / seen.audio.sampleRate;
    expectSeconds('sound', expectedSeconds, seen.audio.durationSeconds, soundSlack);
  }
  if (!(await isFaststart(path))) throw wrong('the index before the media (faststart)', 'it behind or missing');
  return seen;
}

function expectSeconds(what: string, expected: number, seen: number, slack: number): void {
  if (Math.abs(seen - expected) <= slack) return;
  throw wrong(`${what} of ${expected.toFixed(3)} s (within ${slack.toFixed(3)} s)`, `${seen.toFixed(3)} s`);
}

function wrong(expected: string, seen: string): ReelwrightError {
  return new ReelwrightError('CUT_WRONG', `the joined video was expected to have ${expected}; seen: ${seen}`, {
    details: { expected, seen },
  });
}

function longestFrameSeconds({ frameRate, durationSeconds, frameCount }: VideoStream): number {
  const nominal = frameRate.den / frameRate.num;
  return frameCount === undefined ? nominal : Math.max(nominal, durationSeconds / frameCount);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
