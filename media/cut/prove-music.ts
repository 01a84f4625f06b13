import type { MediaTools } from '../ffmpeg/media-tools.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { settleAll } from '../ffmpeg/settle.js';
import type { CutPlan } from '../plan/cut-plan.js';
import { type MusicPlan, musicSecondsAt } from '../plan/music-plan.js';
import { leastGainDb, measureLoudness } from './loudness.js';
import { DUCK_DB } from './music-filter.js';
import type { MusicMix } from './music-mix.js';
import { proveAudible, wrong } from './prove-join.js';

/** How far the result may be from the loudness that it was given. Encoding moves it by a few tenths. */
const SLACK_LU = 1.5;

/**
 * Proves of a joined file that its music can be heard to its end, as far as it could be in the music file, and that its
 * sound is as loud as it was made. Throws CUT_WRONG with what was expected and seen.
 */
export async function proveMusic(
  tools: MediaTools,
  joined: string,
  { plan, music, musicPath, mix }: { plan: CutPlan; music: MusicPlan; musicPath: string; mix: MusicMix },
  limits: RunLimits,
): Promise<void> {
  const { levelling, musicGainDb } = mix;
  const seconds = music.fadeOutSeconds;
  const fromSeconds = plan.durationSeconds - 2 * seconds;
  const own = { path: musicPath, fromSeconds: musicSecondsAt(music, fromSeconds), seconds };
  const gainDb = leastGainDb(levelling) + musicGainDb - (music.ducked ? DUCK_DB : 0);
  await settleAll([
    proveAudible(tools, own, { path: joined, fromSeconds, seconds }, limits, gainDb),
    proveLoudness(tools, joined, levelling.lufs, limits),
  ]);
}

async function proveLoudness(
  tools: MediaTools,
  joined: string,
  expected: number | undefined,
  limits: RunLimits,
): Promise<void> {
  if (expected === undefined) return;
  const { lufs } = await measureLoudness(tools, joined, limits);
  if (Math.abs(lufs - expected) <= SLACK_LU) return;
  throw wrong(`a loudness of ${expected} LUFS (within ${SLACK_LU} LU)`, `${lufs} LUFS`);
}
