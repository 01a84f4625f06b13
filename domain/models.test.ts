import { describe, expect, it } from 'vitest';
import { type ClipSettings, clipPriceUsd, MODEL_NAMES, providerInput, settingsProblems, videoModel } from './models.js';

const settings = (change: Partial<ClipSettings>): ClipSettings => ({
  model: 'veo-3.1-fast',
  resolution: '1080p',
  aspectRatio: '16:9',
  generateAudio: false,
  durationSeconds: 8,
  hasFirstImage: true,
  hasLastImage: true,
  ...change,
});

describe('settingsProblems', () => {
  it.each<[Partial<ClipSettings>, string[]]>([
    [{}, []],
    [{ durationSeconds: 5 }, ['durationSeconds']],
    [{ resolution: '768p' }, ['resolution']],
    [{ model: 'veo-3' }, ['lastImage']],
    [{ model: 'veo-3', hasLastImage: false }, []],
    [{ hasFirstImage: false }, ['firstImage']],
    [{ hasFirstImage: false, hasLastImage: false, aspectRatio: '9:16', generateAudio: true }, []],
    [{ model: 'hailuo-02', durationSeconds: 6 }, []],
    [{ model: 'hailuo-02', durationSeconds: 10 }, ['durationSeconds']],
    [{ model: 'hailuo-02', durationSeconds: 10, resolution: '768p' }, []],
    [{ model: 'hailuo-02', durationSeconds: 10, resolution: '512p' }, []],
    [{ model: 'hailuo-2.3', durationSeconds: 6 }, ['lastImage']],
    [{ model: 'hailuo-2.3', durationSeconds: 10, hasLastImage: false, resolution: '768p' }, []],
    [{ model: 'hailuo-2.3', durationSeconds: 6, hasLastImage: false, resolution: '512p' }, ['resolution']],
    [
      { model: 'hailuo-02', durationSeconds: 6, generateAudio: true, aspectRatio: '9:16' },
      ['aspectRatio', 'generateAudio'],
    ],
  ])('of %j are %j', (change, fields) => {
    expect(settingsProblems(settings(change)).map(({ field }) => field)).toEqual(fields);
  });

  it('says what the model makes and what was asked', () => {
    const [problem] = settingsProblems(settings({ durationSeconds: 5 }));
    expect(problem?.message).toBe('veo-3.1-fast at 1080p makes clips of 4 or 6 or 8 seconds, not 5');
  });
});

describe('the catalogue', () => {
  it.each(MODEL_NAMES)('offers %s with its default duration, a price, and a model of the provider', (name) => {
    const model = videoModel(name);
    expect(Object.values(model.durations).every((durations) => durations.includes(model.defaultDuration))).toBe(true);
    expect(model.pricePerSecondUsd.withoutAudio).toBeGreaterThan(0);
    expect(model.replicateModel).toMatch(/^(google|minimax)\//);
  });

  it('prices a clip by its seconds and its sound', () => {
    expect(clipPriceUsd({ model: 'veo-3.1-fast', generateAudio: false, durationSeconds: 8 })).toBe(0.8);
    expect(clipPriceUsd({ model: 'veo-3.1', generateAudio: true, durationSeconds: 6 })).toBe(2.4);
    expect(clipPriceUsd({ model: 'veo-3.1-fast', generateAudio: true, durationSeconds: 6 })).toBe(0.9);
  });
});

describe('providerInput', () => {
  const order = { prompt: 'a room', firstImageUrl: 'https://a/1', lastImageUrl: 'https://a/2', seed: 7 };

  it('names the inputs as Veo does', () => {
    expect(providerInput({ ...settings({ durationSeconds: 4 }), ...order })).toEqual({
      prompt: 'a room',
      duration: 4,
      resolution: '1080p',
      aspect_ratio: '16:9',
      generate_audio: false,
      image: 'https://a/1',
      last_frame: 'https://a/2',
      seed: 7,
    });
  });

  it('names the inputs as Hailuo does, which takes no seed, no sound and no aspect ratio', () => {
    const hailuo = settings({ model: 'hailuo-02', durationSeconds: 6, resolution: '768p' });
    expect(providerInput({ ...hailuo, ...order, seed: null })).toEqual({
      prompt: 'a room',
      duration: 6,
      resolution: '768p',
      prompt_optimizer: false,
      first_frame_image: 'https://a/1',
      last_frame_image: 'https://a/2',
    });
  });
});
