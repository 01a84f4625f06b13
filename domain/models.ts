/** The video models on offer: what each takes, what it costs, and how an order becomes its input. Data: model-catalogue.json. */
import catalogue from './model-catalogue.json' with { type: 'json' };

export const MODEL_NAMES = ['veo-3', 'veo-3-fast', 'veo-3.1', 'veo-3.1-fast', 'hailuo-02', 'hailuo-2.3'] as const;
export type ModelName = (typeof MODEL_NAMES)[number];
export const RESOLUTIONS = ['512p', '720p', '768p', '1080p'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];
export const ASPECT_RATIOS = ['16:9', '9:16'] as const;
export type AspectRatio = (typeof ASPECT_RATIOS)[number];

export const DEFAULT_MODEL: ModelName = 'veo-3.1-fast';
export const DEFAULT_RESOLUTION: Resolution = '1080p';
export const DEFAULT_ASPECT_RATIO: AspectRatio = '16:9';

/** One model of the catalogue. Durations are whole seconds by resolution; prices are US dollars per second of video. */
export interface VideoModel {
  replicateModel: `${string}/${string}`;
  family: 'veo' | 'hailuo';
  frames: { first: boolean; last: boolean };
  audio: boolean;
  /** Takes a `seed`, which then serves as the purchase's fingerprint. */
  seed: boolean;
  aspectRatios: readonly AspectRatio[];
  durations: Partial<Record<Resolution, readonly number[]>>;
  defaultDuration: number;
  pricePerSecondUsd: { withAudio: number; withoutAudio: number };
}

const MODELS = catalogue as unknown as Record<ModelName, VideoModel>;

export function videoModel(name: ModelName): VideoModel {
  return MODELS[name];
}

/** What one clip asks of a model, before anything is prepared. */
export interface ClipSettings {
  model: ModelName;
  resolution: Resolution;
  aspectRatio: AspectRatio;
  generateAudio: boolean;
  durationSeconds: number;
  hasFirstImage: boolean;
  hasLastImage: boolean;
}

export interface SettingsProblem {
  field: 'model' | 'resolution' | 'aspectRatio' | 'generateAudio' | 'durationSeconds' | 'firstImage' | 'lastImage';
  message: string;
}

/** Everything the model cannot do of what is asked; empty when the provider would take it. */
export function settingsProblems(settings: ClipSettings): SettingsProblem[] {
  const model = MODELS[settings.model];
  const problems: SettingsProblem[] = [];
  const durations = model.durations[settings.resolution];
  if (durations === undefined) {
    const offered = Object.keys(model.durations).join(', ');
    problems.push({
      field: 'resolution',
      message: `${settings.model} makes ${offered}, not ${settings.resolution}`,
    });
  } else if (!durations.includes(settings.durationSeconds)) {
    problems.push({
      field: 'durationSeconds',
      message: `${settings.model} at ${settings.resolution} makes clips of ${durations.join(' or ')} seconds, not ${settings.durationSeconds}`,
    });
  }
  if (!model.aspectRatios.includes(settings.aspectRatio)) {
    problems.push({
      field: 'aspectRatio',
      message: `${settings.model} makes ${model.aspectRatios.join(', ')}, not ${settings.aspectRatio}`,
    });
  }
  if (settings.generateAudio && !model.audio) {
    problems.push({ field: 'generateAudio', message: `${settings.model} makes no sound` });
  }
  if (settings.hasLastImage && !model.frames.last) {
    problems.push({ field: 'lastImage', message: `${settings.model} takes no last image` });
  } else if (settings.hasLastImage && !settings.hasFirstImage) {
    problems.push({ field: 'firstImage', message: 'a last image needs a first image' });
  }
  return problems;
}

/** The price of one clip in US dollars, rounded to the ledger's six decimals. */
export function clipPriceUsd(settings: Pick<ClipSettings, 'model' | 'generateAudio' | 'durationSeconds'>): number {
  const { withAudio, withoutAudio } = MODELS[settings.model].pricePerSecondUsd;
  return roundUsd(settings.durationSeconds * (settings.generateAudio ? withAudio : withoutAudio));
}

export const roundUsd = (usd: number): number => Math.round(usd * 1e6) / 1e6;

export interface ProviderInputOrder extends ClipSettings {
  prompt: string;
  /** Links under which the provider reads the images. */
  firstImageUrl: string | null;
  lastImageUrl: string | null;
  seed: number | null;
}

/**
 * The `input` of a prediction, exactly as the model's schema on Replicate names it (google/veo-3.1 and
 * minimax/hailuo-02 API pages). Fields that the model lacks are left out, since the provider refuses unknown ones.
 */
export function providerInput(order: ProviderInputOrder): Record<string, string | number | boolean> {
  const model = MODELS[order.model];
  const common = { prompt: order.prompt, duration: order.durationSeconds, resolution: order.resolution };
  if (model.family === 'veo') {
    return {
      ...common,
      aspect_ratio: order.aspectRatio,
      generate_audio: order.generateAudio,
      ...(order.firstImageUrl === null ? {} : { image: order.firstImageUrl }),
      ...(order.lastImageUrl === null ? {} : { last_frame: order.lastImageUrl }),
      ...(order.seed === null ? {} : { seed: order.seed }),
    };
  }
  return {
    ...common,
    // The prompt is the customer's: the provider must not rewrite it.
    prompt_optimizer: false,
    ...(order.firstImageUrl === null ? {} : { first_frame_image: order.firstImageUrl }),
    ...(order.lastImageUrl === null ? {} : { last_frame_image: order.lastImageUrl }),
  };
}
