/** What a prediction's input asks to be made, in one form for all models. */
import { findModel } from './models.js';

/** A medium the input names; `field` is where, for messages. */
export interface MediaInput {
  field: string;
  uri: string;
}

export interface VideoJob {
  kind: 'video';
  model: string;
  prompt: string;
  seconds: number;
  /** Length of the short side: 512p, 720p, 768p or 1080p. */
  resolution: string;
  /** `first-image`: the video takes the aspect ratio of its first image, 16:9 without one. */
  aspectRatio: '16:9' | '9:16' | 'first-image';
  audio: boolean;
  /** What the camera moves over: none (a picture is made from the prompt), the first frame, or first and last frame. */
  images: MediaInput[];
}

export interface MusicJob {
  kind: 'music';
  model: string;
  prompt: string;
  /** Seconds of new music. */
  seconds: number;
  stereo: boolean;
  /** Hertz. */
  sampleRate: number;
  format: 'wav' | 'mp3';
  audio: MediaInput | null;
  /** The part of `audio`, in seconds, that the new music follows; `end` null is its end. Null where it continues nothing. */
  continuation: { start: number; end: number | null } | null;
}

export type RenderJob = VideoJob | MusicJob;

/** The input with the model's defaults filled in; fields the model does not know are left out, as the provider ignores them. */
export function withDefaults(modelName: string, input: Record<string, unknown>): Record<string, unknown> {
  const model = findModel(modelName);
  if (model === undefined) throw new Error(`expected a model of models.json, got ${modelName}`);
  return Object.fromEntries(
    Object.entries(model.input.properties).map(([name, property]) => [name, input[name] ?? property['default']]),
  );
}

/** `input` must have passed `validateInput`. */
export function renderJob(modelName: string, input: Record<string, unknown>): RenderJob {
  const full = withDefaults(modelName, input);
  const text = (field: string) => full[field] as string | undefined;
  const media = (field: string): MediaInput[] => {
    const uri = text(field);
    return uri === undefined ? [] : [{ field, uri }];
  };
  const common = { model: modelName, prompt: text('prompt') ?? '', seconds: full['duration'] as number };

  if (modelName === 'meta/musicgen') {
    const end = full['continuation_end'] as number | undefined;
    return {
      ...common,
      kind: 'music',
      stereo: text('model_version')?.startsWith('stereo') === true,
      sampleRate: 32_000,
      format: full['output_format'] as MusicJob['format'],
      audio: media('input_audio')[0] ?? null,
      continuation:
        full['continuation'] === true
          ? { start: full['continuation_start'] as number, end: end === undefined || end === -1 ? null : end }
          : null,
    };
  }
  if (modelName === 'stability-ai/stable-audio-2.5') {
    return {
      ...common,
      kind: 'music',
      stereo: true,
      sampleRate: 44_100,
      format: 'mp3',
      audio: null,
      continuation: null,
    };
  }
  if (modelName.startsWith('minimax/')) {
    return {
      ...common,
      kind: 'video',
      resolution: full['resolution'] as string,
      aspectRatio: 'first-image',
      audio: false,
      images: [...media('first_frame_image'), ...media('last_frame_image')],
    };
  }
  const references = ((full['reference_images'] ?? []) as string[]).map((uri, n) => ({
    field: `reference_images.${n}`,
    uri,
  }));
  const frames = [...media('image'), ...(references.length > 0 ? references : media('last_frame'))];
  return {
    ...common,
    kind: 'video',
    resolution: full['resolution'] as string,
    aspectRatio: full['aspect_ratio'] as VideoJob['aspectRatio'],
    audio: full['generate_audio'] === true,
    images: frames.length > 2 ? [...frames.slice(0, 1), ...frames.slice(-1)] : frames,
  };
}
