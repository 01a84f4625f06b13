import { describe, expect, it } from 'vitest';
import { musicInput, musicModel, planMusic, versionToRun } from './music.js';
import { SCENE_SET_A } from './scenes.js';

const [hook, bedroom, bath] = SCENE_SET_A.map(({ name }) => name);
const clip = (durationSeconds: number, sceneName: string | null = null) => ({ durationSeconds, sceneName });
const told = (name: string | undefined): string | undefined => SCENE_SET_A.find((scene) => scene.name === name)?.music;

describe('the music of a job', () => {
  it('is made scene by scene where all of it fits into one window', () => {
    expect(planMusic([clip(8, hook), clip(8, bedroom), clip(6, bath)])).toEqual([
      { number: 1, model: 'musicgen', prompt: told(hook), durationSeconds: 8 },
      { number: 2, model: 'musicgen', prompt: told(bedroom), durationSeconds: 8 },
      { number: 3, model: 'musicgen', prompt: told(bath), durationSeconds: 6 },
    ]);
  });

  it('is one piece for scenes in a row that are told alike', () => {
    const pieces = planMusic([clip(8, hook), clip(4, hook), clip(4, bedroom), clip(4, hook)]);
    expect(pieces.map(({ prompt, durationSeconds }) => [prompt, durationSeconds])).toEqual([
      [told(hook), 12],
      [told(bedroom), 4],
      [told(hook), 4],
    ]);
  });

  it("is the customer's for all of it where there is a prompt", () => {
    expect(planMusic([clip(8, hook), clip(8, bedroom)], 'a slow waltz')).toEqual([
      { number: 1, model: 'musicgen', prompt: 'a slow waltz', durationSeconds: 16 },
    ]);
  });

  it('is one piece without scenes and without a prompt', () => {
    const [piece, ...others] = planMusic([clip(8), clip(8)]);
    expect(others).toEqual([]);
    expect(piece).toMatchObject({ model: 'musicgen', durationSeconds: 16 });
    expect(piece?.prompt).toMatch(/instrumental/);
  });

  it.each([
    [[15, 15], 'musicgen', 30],
    [[15, 16], 'stable-audio-2.5', 31],
    [Array.from({ length: 19 }, () => 10), 'stable-audio-2.5', 190],
    [Array.from({ length: 100 }, () => 10), 'stable-audio-2.5', 190],
  ])('of %j seconds is made by %s, %i s long', (seconds, model, durationSeconds) => {
    const pieces = planMusic(seconds.map((one) => clip(one)));
    expect(pieces).toMatchObject([{ number: 1, model, durationSeconds }]);
  });

  it('that is one longer piece is told every scene once, in their order', () => {
    const [piece] = planMusic([clip(10, hook), clip(10, bedroom), clip(10, hook), clip(10, bath)]);
    const places = [hook, bedroom, bath].map((name) => piece?.prompt.indexOf(told(name) ?? '?') ?? -1);
    expect(places[0]).toBeGreaterThanOrEqual(0);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(piece?.prompt.split(told(hook) ?? '?')).toHaveLength(2);
  });
});

describe('the input of a music model', () => {
  const order = { prompt: 'a harp', durationSeconds: 8, seed: 7 };

  it('of musicgen states what is kept, so that both together stay within its window', () => {
    const continues = { url: 'https://files/1', seconds: 22 };
    expect(musicInput({ ...order, model: 'musicgen', continues })).toEqual({
      model_version: 'stereo-melody-large',
      prompt: 'a harp',
      duration: 8,
      output_format: 'wav',
      normalization_strategy: 'loudness',
      seed: 7,
      input_audio: 'https://files/1',
      continuation: true,
      continuation_start: 0,
      continuation_end: 22,
    });
  });

  it('of a first piece names nothing to go on from', () => {
    expect(musicInput({ ...order, model: 'musicgen', continues: null })).not.toHaveProperty('continuation');
    expect(musicInput({ ...order, model: 'stable-audio-2.5', continues: null })).toEqual({
      prompt: 'a harp',
      duration: 8,
      seed: 7,
    });
  });

  it('goes to a version where the model does not run by its name', () => {
    expect(versionToRun(musicModel('musicgen').replicateModel)).toMatch(/^[0-9a-f]{64}$/);
    expect(versionToRun(musicModel('stable-audio-2.5').replicateModel)).toBeUndefined();
    expect(versionToRun('google/veo-3.1')).toBeUndefined();
  });
});
