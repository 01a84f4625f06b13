import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clips, refused } from '../../test/support/job-orders.js';
import { type Caller, type RunningApi, startApi } from '../../test/support/running-api.js';

let api: RunningApi;
let anna: Caller;
beforeAll(async () => {
  api = await startApi();
  anna = await api.caller('Anna');
});
afterAll(() => api.stop());

const one = { prompt: 'x' };

describe('an order of clips', () => {
  test.each<[string, unknown, string, string]>([
    ['an unknown field', { ...clips('x'), colour: 'red' }, 'colour', 'no such field'],
    [
      'an unknown field of a clip',
      { kind: 'clips', clips: [{ ...one, seconds: 4 }] },
      'clips.0.seconds',
      'no such field',
    ],
    [
      'an unknown field of an image',
      { kind: 'clips', clips: [{ ...one, firstImage: { assetId: randomUUID(), x: 1 } }] },
      'clips.0.firstImage.x',
      'no such field',
    ],
    ['a field of another kind', { ...clips('x'), numPairs: 3 }, 'numPairs', 'no such field'],
    ['a prompt that is a number', { kind: 'clips', clips: [{ prompt: 5 }] }, 'clips.0.prompt', 'expected text, got 5'],
    ['an empty prompt', clips('x', ''), 'clips.1.prompt', 'at least 1 character, got 0'],
    ['a prompt of 50 kB', clips('x'.repeat(50_000)), 'clips.0.prompt', 'at most 4000 characters, got 50000'],
    ['a NUL in a prompt', clips('a\0b'), 'clips.0.prompt', 'NUL'],
    ['half a surrogate pair in a prompt', clips('\ud800'), 'clips.0.prompt', 'Unicode'],
    [
      'a duration that is a text',
      { kind: 'clips', clips: [{ ...one, durationSeconds: '4' }] },
      'clips.0.durationSeconds',
      'a number, got "4"',
    ],
    [
      'a duration that the model lacks',
      { kind: 'clips', clips: [one, { ...one, durationSeconds: 5 }] },
      'clips.1.durationSeconds',
      '4 or 6 or 8 seconds, not 5',
    ],
    ['a resolution that the model lacks', { ...clips('x'), resolution: '512p' }, 'resolution', '720p, 1080p, not 512p'],
    [
      'an aspect ratio that the model lacks',
      { ...clips('x'), model: 'hailuo-02', aspectRatio: '9:16' },
      'aspectRatio',
      '16:9, not 9:16',
    ],
    [
      'sound of a model without any',
      { ...clips('x'), model: 'hailuo-02', generateAudio: true },
      'generateAudio',
      'no sound',
    ],
    [
      'a last image without a first one',
      { kind: 'clips', clips: [{ ...one, lastImage: { assetId: randomUUID() } }] },
      'clips.0.firstImage',
      'needs a first image',
    ],
    [
      'a last image for a model that takes none',
      {
        kind: 'clips',
        model: 'veo-3',
        clips: [{ ...one, firstImage: { assetId: randomUUID() }, lastImage: { assetId: randomUUID() } }],
      },
      'clips.0.lastImage',
      'no last image',
    ],
    ['an unknown model', { ...clips('x'), model: 'sora' }, 'model', 'veo-3.1-fast'],
    [
      'an unknown model of a clip',
      { kind: 'clips', clips: [{ ...one, model: 'sora' }] },
      'clips.0.model',
      'got "sora"',
    ],
    ['an unknown kind', { kind: 'film' }, 'kind', 'expected clips or image-pairs or music, got "film"'],
    ['no kind', { clips: [one] }, 'kind', 'got nothing'],
    ['no clips', { kind: 'clips' }, 'clips', 'a list, got nothing'],
    ['0 clips', { kind: 'clips', clips: [] }, 'clips', 'at least 1 item, got 0'],
    ['101 clips', { kind: 'clips', clips: Array(101).fill(one) }, 'clips', 'at most 100 items, got 101'],
    ['a name of 201 characters', { ...clips('x'), name: 'n'.repeat(201) }, 'name', 'at most 200'],
    [
      'an asset id that is no UUID',
      { kind: 'clips', clips: [{ ...one, firstImage: { assetId: 'a' } }] },
      'clips.0.firstImage.assetId',
      'UUID',
    ],
    [
      'an image without anything',
      { kind: 'clips', clips: [{ ...one, firstImage: {} }] },
      'clips.0.firstImage',
      'either an assetId or a url',
    ],
    [
      'an image with both',
      { kind: 'clips', clips: [{ ...one, firstImage: { assetId: randomUUID(), url: 'https://example.com' } }] },
      'clips.0.firstImage',
      'either an assetId or a url',
    ],
    [
      'an image that is a text',
      { kind: 'clips', clips: [{ ...one, firstImage: 'https://example.com/a.jpg' }] },
      'clips.0.firstImage',
      'an object',
    ],
    [
      'an address of 2001 characters',
      { kind: 'clips', clips: [{ ...one, firstImage: { url: `https://example.com/${'a'.repeat(1981)}` } }] },
      'clips.0.firstImage.url',
      'at most 2000 characters, got 2001',
    ],
    [
      'an address with a NUL',
      { kind: 'clips', clips: [{ ...one, firstImage: { url: 'https://example.com/\0' } }] },
      'clips.0.firstImage.url',
      'NUL',
    ],
    ['an unknown failure policy', { ...clips('x'), onClipFailure: 'retry' }, 'onClipFailure', 'wait or skip or fail'],
    ['a budget of 0', { ...clips('x'), budgetUsd: 0 }, 'budgetUsd', 'at least 0.000001, got 0'],
    ['a budget below 0', { ...clips('x'), budgetUsd: -5 }, 'budgetUsd', 'got -5'],
    ['a budget that is a text', { ...clips('x'), budgetUsd: '5' }, 'budgetUsd', 'a number, got "5"'],
    ['a budget of null', { ...clips('x'), budgetUsd: null }, 'budgetUsd', 'a number, got null'],
    ['an absurd budget', { ...clips('x'), budgetUsd: 999_999.5 }, 'budgetUsd', 'at most 999999'],
    [
      'a budget without end',
      '{"kind":"clips","clips":[{"prompt":"x"}],"budgetUsd":1e999}',
      'budgetUsd',
      'a number, got Infinity',
    ],
    ['metadata that is a list', { ...clips('x'), metadata: [] }, 'metadata', 'an object'],
    [
      'a number that JSON cannot write again',
      `{"kind":"clips","clips":[{"prompt":"x"}],"metadata":{"a":1e999}}`,
      'metadata',
      'JSON',
    ],
    ['a body that is null', null, 'body', 'an object, got null'],
  ])('is refused for %s, naming the field, what was expected and what was seen', async (_what, body, path, said) => {
    const answer = await refused(api, anna, body);
    expect(answer.status).toBe(422);
    expect(answer.error).toMatchObject({ code: 'VALIDATION_FAILED', details: { path } });
    expect(answer.error?.details?.expected).toBeTypeOf('string');
    expect(answer.error?.details?.seen).toBeTypeOf('string');
    expect(answer.error?.message).toContain(path);
    expect(answer.error?.message).toContain(said);
  });

  test.each<[string, unknown, string]>([
    ['kind property-photos', { kind: 'property-photos', photos: [] }, 'kind'],
    ['kind ad', { kind: 'ad' }, 'kind'],
    ['a callback', { ...clips('x'), callbackUrl: 'https://example.com' }, 'callbackUrl'],
  ])('is refused for %s as not yet supported', async (_what, body, path) => {
    const answer = await refused(api, anna, body);
    expect(answer.status).toBe(422);
    expect(answer.error).toMatchObject({ code: 'NOT_YET_SUPPORTED', details: { path } });
  });
});
