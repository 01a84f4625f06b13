/** The music of a job: which models make it, of how many pieces, and what each is told. Data: music-catalogue.json. */
import catalogue from './music-catalogue.json' with { type: 'json' };
import { SCENE_SET_A } from './scenes.js';

export const MUSIC_MODEL_NAMES = ['musicgen', 'stable-audio-2.5'] as const;
export type MusicModelName = (typeof MUSIC_MODEL_NAMES)[number];

export interface MusicModel {
  replicateModel: `${string}/${string}`;
  /** Community models run by version, official ones (null) by name: replicate.com/docs/topics/predictions/create-a-prediction */
  version: string | null;
  /** The longest music it makes, what it continues included. */
  maxSeconds: number;
  /** US dollars for a run, whatever its length. */
  priceUsd: number;
}

const MODELS = catalogue as unknown as Record<MusicModelName, MusicModel>;

/** The longest music that any model makes, in seconds. */
export const MAX_MUSIC_SECONDS = Math.max(...MUSIC_MODEL_NAMES.map((name) => MODELS[name].maxSeconds));

export function musicModel(name: MusicModelName): MusicModel {
  return MODELS[name];
}

/** One purchase of music. Where it is not the first, it goes on where the one before ended, and contains that one. */
export interface MusicPiece {
  /** From 1. */
  number: number;
  model: MusicModelName;
  prompt: string;
  /** Whole seconds of new music. */
  durationSeconds: number;
}

export interface ScoredClip {
  durationSeconds: number;
  sceneName: string | null;
  /** What its music is like, where that is said of it alone. */
  told?: string;
}

const CALM = 'Calm, warm instrumental background music with a gentle pulse, without vocals.';

/**
 * The music for clips in their order. What fits into the window of a model that continues music is made scene by scene,
 * each piece going on where the last one ended; clips in a row that are told alike share one. What does not fit is one
 * longer piece, at most as long as its model makes it: the cut repeats what is too short. `prompt` is the customer's,
 * and then goes for all of it.
 */
export function planMusic(clips: readonly ScoredClip[], prompt?: string): MusicPiece[] {
  const parts: { prompt: string; durationSeconds: number }[] = [];
  for (const clip of clips) {
    const told = prompt ?? clip.told ?? SCENE_SET_A.find(({ name }) => name === clip.sceneName)?.music ?? CALM;
    const last = parts.at(-1);
    if (last?.prompt === told) last.durationSeconds += clip.durationSeconds;
    else parts.push({ prompt: told, durationSeconds: clip.durationSeconds });
  }
  const seconds = parts.reduce((sum, part) => sum + part.durationSeconds, 0);
  if (seconds <= MODELS.musicgen.maxSeconds) {
    return parts.map((part, index) => ({ number: index + 1, model: 'musicgen', ...part }));
  }
  const durationSeconds = Math.min(seconds, MODELS['stable-audio-2.5'].maxSeconds);
  return [{ number: 1, model: 'stable-audio-2.5', prompt: journey(parts), durationSeconds }];
}

/** Several scenes told to one piece, each once and in their order. */
function journey(parts: readonly { prompt: string }[]): string {
  const told = [...new Set(parts.map((part) => part.prompt))];
  return told.length === 1 ? (told[0] ?? CALM) : `One continuous piece that moves on: ${told.join(' Then: ')}`;
}

export interface MusicInputOrder {
  model: MusicModelName;
  prompt: string;
  durationSeconds: number;
  seed: number | null;
  /** The music that is gone on from: its link, and how many seconds of it there are. */
  continues: { url: string; seconds: number } | null;
}

/**
 * The `input` of a prediction, as the model's schema on Replicate names it (meta/musicgen, stability-ai/stable-audio-2.5).
 * Musicgen refuses kept and new music of more than 30 s together, so the end of what is kept is stated.
 */
export function musicInput(order: MusicInputOrder): Record<string, string | number | boolean> {
  const { model, prompt, durationSeconds: duration, seed, continues } = order;
  const given = seed === null ? {} : { seed };
  if (model === 'stable-audio-2.5') return { prompt, duration, ...given };
  return {
    model_version: 'stereo-melody-large',
    prompt,
    duration,
    output_format: 'wav',
    normalization_strategy: 'loudness',
    ...given,
    ...(continues && {
      input_audio: continues.url,
      continuation: true,
      continuation_start: 0,
      continuation_end: Math.floor(continues.seconds),
    }),
  };
}

/** The version that a model of this provider's name must be run by; undefined where its name is enough. */
export function versionToRun(replicateModel: string): string | undefined {
  return Object.values(MODELS).find((model) => model.replicateModel === replicateModel)?.version ?? undefined;
}
