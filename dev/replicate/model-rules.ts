/** What the models refuse beyond their input schemas: combinations of fields, as each model's page words them. */
import type { InvalidField } from './problems.js';

type FullInput = Record<string, unknown>;

const MUSICGEN_SECONDS = 30;

function refused(field: string, description: string): InvalidField {
  return { type: 'invalid_combination', field: `input.${field}`, description };
}

function veoRules(input: FullInput): InvalidField[] {
  const problems: InvalidField[] = [];
  const references = (input['reference_images'] ?? []) as string[];
  if (references.length > 0) {
    if (input['aspect_ratio'] !== '16:9') {
      problems.push(refused('aspect_ratio', 'reference_images only work with aspect_ratio 16:9'));
    }
    if (input['duration'] !== 8) {
      problems.push(refused('duration', 'reference_images only work with a duration of 8 seconds'));
    }
  } else if (input['last_frame'] !== undefined && input['image'] === undefined) {
    problems.push(refused('last_frame', 'last_frame needs image: it interpolates between the two'));
  }
  return problems;
}

function hailuoRules(input: FullInput): InvalidField[] {
  const problems: InvalidField[] = [];
  if (input['duration'] === 10 && input['resolution'] === '1080p') {
    problems.push(refused('duration', '10 seconds is not available at 1080p, only at 768p or lower'));
  }
  if (input['last_frame_image'] !== undefined && input['first_frame_image'] === undefined) {
    problems.push(refused('last_frame_image', 'last_frame_image needs first_frame_image'));
  }
  return problems;
}

/** The texts are those of the model's own predictor. */
function musicgenRules(input: FullInput): InvalidField[] {
  const problems: InvalidField[] = [];
  const { prompt, input_audio: audio, continuation } = input;
  const start = input['continuation_start'] as number;
  const end = input['continuation_end'] as number | undefined;
  if (prompt === undefined && audio === undefined) {
    problems.push(refused('prompt', 'Must provide either prompt or input_audio'));
  }
  if (continuation === true && audio === undefined) {
    problems.push(refused('input_audio', 'Must provide `input_audio` if continuation is `True`.'));
  }
  if (end !== undefined && end !== -1) {
    if (start > end) {
      problems.push(
        refused('continuation_start', '`continuation_start` must be less than or equal to `continuation_end`'),
      );
    } else if (continuation === true && tooLongToContinue(input['duration'] as number, end - start)) {
      problems.push(refused('duration', CONTINUATION_TOO_LONG));
    }
  }
  if (input['multi_band_diffusion'] === true && String(input['model_version']).startsWith('stereo')) {
    problems.push(refused('multi_band_diffusion', 'multi_band_diffusion only works with non-stereo models'));
  }
  return problems;
}

export const CONTINUATION_TOO_LONG = `duration + continuation duration must be <= ${MUSICGEN_SECONDS} seconds`;

/** Whether musicgen cannot add `seconds` of music to `keptSeconds` of sound: its window is 30 s in all. */
export function tooLongToContinue(seconds: number, keptSeconds: number): boolean {
  return seconds + keptSeconds > MUSICGEN_SECONDS;
}

/** Everything `modelName` refuses of an input that its schema accepts; `input` has its defaults filled in. */
export function combinationProblems(modelName: string, input: FullInput): InvalidField[] {
  if (modelName.startsWith('google/veo')) return veoRules(input);
  if (modelName.startsWith('minimax/hailuo')) return hailuoRules(input);
  if (modelName === 'meta/musicgen') return musicgenRules(input);
  return [];
}
