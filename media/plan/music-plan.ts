import type { MusicProbe } from '../probe/probe-music.js';

/** How a music file becomes as long as the picture. Plain JSON. */
export interface MusicPlan {
  /** The file's own length. */
  seconds: number;
  /** Cut off at the picture's end; taken as it is; or played again until the picture ends. */
  fit: 'trimmed' | 'as long' | 'looped';
  /** How often it is begun: 1 unless looped. */
  plays: number;
  /** How long one play goes over into the next; 0 unless looped. */
  crossfadeSeconds: number;
  /** At the beginning and the end of the whole video. */
  fadeInSeconds: number;
  fadeOutSeconds: number;
  /** True where it becomes quieter under speech: where a clip's own sound is kept. */
  ducked: boolean;
  /** Integrated loudness that the whole sound is brought to, in LUFS (EBU R 128). */
  targetLufs: number;
}

/** Music is mixed at this rate, in two channels. */
export const MUSIC_SOUND = { sampleRate: 48_000, channels: 2 } as const;

const FADE_SECONDS = 0.5;
const CROSSFADE_SECONDS = 2;
/** The most of a short piece, or of a short video, that goes into one fade. */
const MOST_OF_IT = 1 / 4;
/** Less than this is missing or too much unnoticed, within the fade-out. */
const SLACK_SECONDS = 0.1;
/** What the large platforms play at. */
const TARGET_LUFS = -14;

/** Decides how music fits a video of `videoSeconds`. Pure. Never is the video fitted to the music. */
export function planMusic(music: MusicProbe, videoSeconds: number, ducked: boolean): MusicPlan {
  const seconds = Math.floor(music.seconds * 1000) / 1000;
  const fade = Math.min(FADE_SECONDS, videoSeconds * MOST_OF_IT);
  const common = { fadeInSeconds: fade, fadeOutSeconds: fade, ducked, targetLufs: TARGET_LUFS };
  const once = { seconds, plays: 1, crossfadeSeconds: 0, ...common };
  if (Math.abs(seconds - videoSeconds) <= SLACK_SECONDS) return { ...once, fit: 'as long' };
  if (seconds > videoSeconds) return { ...once, fit: 'trimmed' };
  const crossfadeSeconds = Math.min(CROSSFADE_SECONDS, seconds * MOST_OF_IT);
  const plays = Math.ceil((videoSeconds - crossfadeSeconds) / (seconds - crossfadeSeconds));
  return { ...once, fit: 'looped', plays, crossfadeSeconds };
}

/** The moment of the music file that sounds at a moment of the video, in seconds; of two that sound, the louder faded. */
export function musicSecondsAt({ seconds, plays, crossfadeSeconds }: MusicPlan, videoSeconds: number): number {
  const step = seconds - crossfadeSeconds;
  const play = Math.floor((videoSeconds - crossfadeSeconds / 2) / step);
  return videoSeconds - Math.min(plays - 1, Math.max(0, play)) * step;
}
