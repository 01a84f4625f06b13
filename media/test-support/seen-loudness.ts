import { samplesOf } from './music-files.js';

const RATE = 48_000;
const BLOCK_SECONDS = 0.4;
const STEP_SECONDS = 0.1;

/** The two filters of ITU-R BS.1770-4, tables 1 and 2, at 48 kHz: `b` of what comes in, `a` of what went out before. */
const WEIGHTING = [
  { b: [1.53512485958697, -2.69169618940638, 1.19839281085285], a: [-1.69065929318241, 0.73248077421585] },
  { b: [1, -2, 1], a: [-1.99004745483398, 0.99007225036621] },
] as const;

/**
 * Integrated loudness in LUFS (ITU-R BS.1770-4) and true peak in dBTP of a file's sound after a filter, reckoned here so
 * that no meter of ffmpeg's judges another. -Infinity for silence.
 */
export async function seenLoudness(path: string, filter = 'anull'): Promise<{ lufs: number; peak: number }> {
  const stereo = `${filter},aformat=channel_layouts=stereo`;
  const samples = await samplesOf(path, stereo, RATE);
  const power = new Float64Array(samples.length / 2);
  for (const channel of [0, 1]) {
    const own = Float64Array.from(power, (_, index) => samples[2 * index + channel] ?? 0);
    for (const [index, value] of weighted(own).entries()) power[index] = (power[index] ?? 0) + value ** 2;
  }
  const [block, step] = [BLOCK_SECONDS * RATE, STEP_SECONDS * RATE];
  const blocks = Array.from({ length: Math.floor((power.length - block) / step) + 1 }, (_, index) =>
    mean(power.subarray(index * step, index * step + block)),
  );
  const audible = blocks.filter((one) => inLufs(one) > -70);
  const gate = inLufs(mean(audible)) - 10;
  const oversampled = await samplesOf(path, `${stereo},aresample=${4 * RATE}`, 4 * RATE);
  const peak = oversampled.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return { lufs: inLufs(mean(audible.filter((one) => inLufs(one) > gate))), peak: 20 * Math.log10(peak) };
}

function weighted(samples: Float64Array): Float64Array {
  return WEIGHTING.reduce((input, { b, a }) => {
    const output = new Float64Array(input.length);
    for (let at = 0; at < input.length; at += 1) {
      const comes = b[0] * (input[at] ?? 0) + b[1] * (input[at - 1] ?? 0) + b[2] * (input[at - 2] ?? 0);
      output[at] = comes - a[0] * (output[at - 1] ?? 0) - a[1] * (output[at - 2] ?? 0);
    }
    return output;
  }, samples);
}

function mean(values: Float64Array | readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length === 0 ? 0 : sum / values.length;
}

function inLufs(power: number): number {
  return -0.691 + 10 * Math.log10(power);
}
