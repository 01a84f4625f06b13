import { describe, expect, it } from 'vitest';
import { validateBody, validateInput } from './create-validation.js';
import { findModel, modelNames } from './models.js';
import type { InvalidField, Problem } from './problems.js';

const IMAGE = 'https://example.com/a.jpg';
const LAST = 'https://example.com/b.jpg';
const SOUND = 'https://example.com/a.wav';
const PROMPT = { prompt: 'A kitchen' };

function refusal(action: () => void): {
  status: number;
  title: string | undefined;
  detail: string;
  fields: InvalidField[];
} {
  try {
    action();
  } catch (error) {
    const { status, title, message, invalidFields } = error as Problem;
    return { status, title, detail: message, fields: invalidFields ?? [] };
  }
  throw new Error('expected a refusal, it was accepted');
}

function check(model: string, input: Record<string, unknown>): void {
  const found = findModel(model);
  if (found === undefined) throw new Error(`no model ${model}`);
  validateInput(found, input);
}

const VEO_3 = ['google/veo-3', 'google/veo-3-fast'];
const VEO_31 = ['google/veo-3.1', 'google/veo-3.1-fast'];
const HAILUO = ['minimax/hailuo-02', 'minimax/hailuo-2.3'];

const accepted: [string[], Record<string, unknown>][] = [
  [[...VEO_3, ...VEO_31, ...HAILUO], PROMPT],
  [[...VEO_3, ...VEO_31], { ...PROMPT, duration: 4, resolution: '720p', aspect_ratio: '9:16' }],
  [[...VEO_3, ...VEO_31], { ...PROMPT, duration: 6, resolution: '1080p', aspect_ratio: '16:9' }],
  [[...VEO_3, ...VEO_31], { ...PROMPT, image: IMAGE, negative_prompt: 'rain', generate_audio: false, seed: 7 }],
  [[...VEO_3, ...VEO_31], { ...PROMPT, image: 'data:image/png;base64,AAAA' }],
  [VEO_31, { ...PROMPT, image: IMAGE, last_frame: LAST }],
  [['google/veo-3.1'], { ...PROMPT, reference_images: [IMAGE], duration: 8, aspect_ratio: '16:9' }],
  [['google/veo-3.1'], { ...PROMPT, reference_images: [IMAGE, LAST, IMAGE], last_frame: LAST }],
  [['google/veo-3.1'], { ...PROMPT, reference_images: [], duration: 4 }],
  [HAILUO, { ...PROMPT, duration: 10, resolution: '768p', first_frame_image: IMAGE }],
  [HAILUO, { ...PROMPT, duration: 6, resolution: '1080p', prompt_optimizer: false }],
  [['minimax/hailuo-02'], { ...PROMPT, duration: 10, resolution: '512p' }],
  [['minimax/hailuo-02'], { ...PROMPT, first_frame_image: IMAGE, last_frame_image: LAST }],
  [['minimax/hailuo-2.3'], { ...PROMPT, duration: 10 }],
  [['meta/musicgen'], PROMPT],
  [['meta/musicgen'], { input_audio: SOUND }],
  [['meta/musicgen'], { ...PROMPT, duration: 30, output_format: 'mp3', normalization_strategy: 'peak', top_p: 0.5 }],
  [['meta/musicgen'], { ...PROMPT, input_audio: SOUND, continuation: true, duration: 10, continuation_end: 20 }],
  [['meta/musicgen'], { ...PROMPT, input_audio: SOUND, continuation: true, duration: 30, continuation_end: -1 }],
  [['meta/musicgen'], { ...PROMPT, model_version: 'large', multi_band_diffusion: true }],
  [['stability-ai/stable-audio-2.5'], { ...PROMPT, duration: 190, steps: 4, cfg_scale: 25, seed: 1 }],
  // Fields that a model does not know pass, as at the provider.
  [modelNames(), { ...PROMPT, unheard_of: 1 }],
];

const refused: [string[], Record<string, unknown>, string, string, string][] = [
  [[...VEO_3, ...VEO_31, ...HAILUO], {}, 'required', 'input', 'prompt is required'],
  [modelNames(), { prompt: 5 }, 'invalid_type', 'input.prompt', 'Invalid type. Expected: string, given: integer'],
  [VEO_3, { ...PROMPT, duration: 5 }, 'enum', 'input.duration', 'duration must be one of the following: 4, 6, 8'],
  [
    VEO_31,
    { ...PROMPT, duration: '8' },
    'invalid_type',
    'input.duration',
    'Invalid type. Expected: integer, given: string',
  ],
  [
    [...VEO_3, ...VEO_31],
    { ...PROMPT, resolution: '4k' },
    'enum',
    'input.resolution',
    'resolution must be one of the following: "720p", "1080p"',
  ],
  [
    [...VEO_3, ...VEO_31],
    { ...PROMPT, aspect_ratio: '1:1' },
    'enum',
    'input.aspect_ratio',
    'aspect_ratio must be one of the following: "16:9", "9:16"',
  ],
  [VEO_31, { ...PROMPT, image: 'not a uri' }, 'format', 'input.image', "Does not match format 'uri'"],
  [VEO_31, { ...PROMPT, image: null }, 'invalid_type', 'input.image', 'Invalid type. Expected: string, given: null'],
  [VEO_31, { ...PROMPT, seed: 1.5 }, 'invalid_type', 'input.seed', 'Invalid type. Expected: integer, given: number'],
  [
    VEO_31,
    { ...PROMPT, generate_audio: 'yes' },
    'invalid_type',
    'input.generate_audio',
    'Invalid type. Expected: boolean, given: string',
  ],
  [
    VEO_31,
    { ...PROMPT, last_frame: LAST },
    'invalid_combination',
    'input.last_frame',
    'last_frame needs image: it interpolates between the two',
  ],
  [
    ['google/veo-3.1'],
    { ...PROMPT, reference_images: [IMAGE, IMAGE, IMAGE, IMAGE] },
    'array_max_items',
    'input.reference_images',
    'Array must have at most 3 items',
  ],
  [
    ['google/veo-3.1'],
    { ...PROMPT, reference_images: [IMAGE, 3] },
    'invalid_type',
    'input.reference_images.1',
    'Invalid type. Expected: string, given: integer',
  ],
  [
    ['google/veo-3.1'],
    { ...PROMPT, reference_images: [IMAGE], duration: 6 },
    'invalid_combination',
    'input.duration',
    'reference_images only work with a duration of 8 seconds',
  ],
  [
    ['google/veo-3.1'],
    { ...PROMPT, reference_images: [IMAGE], aspect_ratio: '9:16' },
    'invalid_combination',
    'input.aspect_ratio',
    'reference_images only work with aspect_ratio 16:9',
  ],
  [HAILUO, { ...PROMPT, duration: 8 }, 'enum', 'input.duration', 'duration must be one of the following: 6, 10'],
  [
    HAILUO,
    { ...PROMPT, duration: 10, resolution: '1080p' },
    'invalid_combination',
    'input.duration',
    '10 seconds is not available at 1080p, only at 768p or lower',
  ],
  // Its default resolution is 1080p, so the duration alone is already too much.
  [
    ['minimax/hailuo-02'],
    { ...PROMPT, duration: 10 },
    'invalid_combination',
    'input.duration',
    '10 seconds is not available at 1080p, only at 768p or lower',
  ],
  [
    ['minimax/hailuo-2.3'],
    { ...PROMPT, resolution: '512p' },
    'enum',
    'input.resolution',
    'resolution must be one of the following: "768p", "1080p"',
  ],
  [
    ['minimax/hailuo-02'],
    { ...PROMPT, last_frame_image: LAST },
    'invalid_combination',
    'input.last_frame_image',
    'last_frame_image needs first_frame_image',
  ],
  [['meta/musicgen'], {}, 'invalid_combination', 'input.prompt', 'Must provide either prompt or input_audio'],
  [['meta/musicgen'], { ...PROMPT, duration: 31 }, 'number_lte', 'input.duration', 'Must be less than or equal to 30'],
  [
    ['stability-ai/stable-audio-2.5'],
    { ...PROMPT, duration: 191 },
    'number_lte',
    'input.duration',
    'Must be less than or equal to 190',
  ],
  [['meta/musicgen'], { ...PROMPT, duration: 0 }, 'number_gte', 'input.duration', 'Must be greater than or equal to 1'],
  [
    ['meta/musicgen'],
    { ...PROMPT, continuation: true },
    'invalid_combination',
    'input.input_audio',
    'Must provide `input_audio` if continuation is `True`.',
  ],
  [
    ['meta/musicgen'],
    { ...PROMPT, input_audio: SOUND, continuation: true, duration: 11, continuation_end: 20 },
    'invalid_combination',
    'input.duration',
    'duration + continuation duration must be <= 30 seconds',
  ],
  [
    ['meta/musicgen'],
    { ...PROMPT, input_audio: SOUND, continuation: true, continuation_start: 5, continuation_end: 4 },
    'invalid_combination',
    'input.continuation_start',
    '`continuation_start` must be less than or equal to `continuation_end`',
  ],
  [
    ['meta/musicgen'],
    { ...PROMPT, output_format: 'flac' },
    'enum',
    'input.output_format',
    'output_format must be one of the following: "wav", "mp3"',
  ],
  [
    ['meta/musicgen'],
    { ...PROMPT, multi_band_diffusion: true },
    'invalid_combination',
    'input.multi_band_diffusion',
    'multi_band_diffusion only works with non-stereo models',
  ],
];

describe('the input of a model', () => {
  it.each(accepted.flatMap(([models, input]) => models.map((model) => ({ model, input }))))(
    '$model takes $input',
    ({ model, input }) => {
      expect(() => check(model, input)).not.toThrow();
    },
  );

  it.each(
    refused.flatMap(([models, input, type, field, description]) =>
      models.map((model) => ({ model, input, type, field, description })),
    ),
  )('$model refuses $input', ({ model, input, type, field, description }) => {
    const refusalOf = refusal(() => check(model, input));
    expect(refusalOf).toMatchObject({ status: 422, title: 'Input validation failed' });
    expect(refusalOf.fields).toEqual([{ type, field, description }]);
    expect(refusalOf.detail).toBe(`- ${field}: ${description}\n`);
  });

  it('is refused with all its mistakes at once', () => {
    const { fields, detail } = refusal(() => check('google/veo-3', { duration: 5, resolution: '8k' }));
    expect(fields.map((field) => field.field).sort()).toEqual(['input', 'input.duration', 'input.resolution']);
    expect(detail.split('\n').filter((line) => line !== '')).toHaveLength(3);
  });
});

describe('the body of a create', () => {
  it.each([
    [
      { inptu: {} },
      [
        ['required', '', 'input is required'],
        ['additional_property_not_allowed', '', 'Additional property inptu is not allowed'],
      ],
    ],
    [{ input: 'x' }, [['invalid_type', 'input', 'Invalid type. Expected: object, given: string']]],
    [
      { input: {}, version: 'v' },
      [['additional_property_not_allowed', '', 'Additional property version is not allowed']],
    ],
    [{ input: {}, webhook: 'ftp://x/y' }, [['format', 'webhook', "Does not match format 'webhook'"]]],
    [{ input: {}, webhook: '' }, [['format', 'webhook', "Does not match format 'webhook'"]]],
    [
      { input: {}, webhook_events_filter: ['done'] },
      [['enum', 'webhook_events_filter.0', '0 must be one of the following: "start", "output", "logs", "completed"']],
    ],
    [[], [['invalid_type', '', 'Invalid type. Expected: object, given: array']]],
  ])('%j is refused field by field', (body, expected) => {
    const { fields } = refusal(() => validateBody(body, 'model'));
    expect(fields).toEqual(expected.map(([type, field, description]) => ({ type, field, description })));
  });

  it('needs a version where it is created by version', () => {
    expect(refusal(() => validateBody({ input: {} }, 'version')).detail).toBe('- version is required\n');
  });
});
