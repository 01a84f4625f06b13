import { ReelwrightError } from '../../domain/errors.js';
import type { ExportFormat } from '../../domain/renditions.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import type { RunLimits } from '../ffmpeg/run-tool.js';
import { decodeAll } from '../probe/decode-all.js';
import type { MediaProbe } from '../probe/media-probe.js';
import { probe } from '../probe/probe.js';
import { isFaststart } from '../probe/top-level-boxes.js';
import type { ExportPlan } from './export-plan.js';

/** How much longer than its picture encoders make a sound: an AAC frame at 44.1 kHz; Opus has 20 ms and its start. */
const SOUND_PADDING_SECONDS = { aac: 1024 / 44_100, opus: 0.0265 };
/** WebM and a movie's edit list count in milliseconds. */
const ROUNDED_SECONDS = 0.002;

export interface ExportProof extends RunLimits {
  /** The video that was exported. */
  source: MediaProbe;
  plan: ExportPlan;
  format: ExportFormat;
  onProgress?: ((fraction: number) => void) | undefined;
}

/**
 * Proves that an export is its video: format, size, as long as it within one frame and the sound's padding, sound where
 * it has sound, every frame, and decodable to the end. Throws EXPORT_WRONG with what was expected and seen.
 */
export async function proveExport(tools: MediaTools, path: string, proof: ExportProof): Promise<MediaProbe> {
  const { source, plan, format, onProgress, ...limits } = proof;
  const seen = await probe(tools, path, limits);
  if (seen.video === undefined || source.video === undefined) throw wrong('a picture', 'none');
  expectEqual('picture', `${plan.videoCodec} of ${plan.width}x${plan.height}`, describe(seen.video));
  expectEqual('sound', plan.audioCodec ?? 'none', seen.audio?.codec ?? 'none');
  const { frameRate } = source.video;
  const padding = plan.audioCodec === undefined ? 0 : SOUND_PADDING_SECONDS[plan.audioCodec];
  const slack = frameRate.den / frameRate.num + padding + ROUNDED_SECONDS;
  if (Math.abs(seen.durationSeconds - source.durationSeconds) > slack) {
    const expected = `${source.durationSeconds.toFixed(3)} s (within ${slack.toFixed(3)} s)`;
    throw wrong(`a length of ${expected}`, `${seen.durationSeconds.toFixed(3)} s`);
  }
  if (format !== 'webm' && !(await isFaststart(path)))
    throw wrong('its index at the beginning', 'it behind or missing');
  const { frames } = await decodeAll(tools, path, {
    ...limits,
    durationSeconds: seen.durationSeconds,
    onProgress,
    broken: (said, cause) => wrong('to decode to its end', said, cause),
  });
  const expected = source.video.frameCount ?? frames;
  if (frames !== expected) throw wrong(`${expected} frames`, `${frames}`);
  return seen;
}

const describe = ({ codec, width, height }: NonNullable<MediaProbe['video']>): string =>
  `${codec} of ${width}x${height}`;

function expectEqual(what: string, expected: string, seen: string): void {
  if (seen !== expected) throw wrong(`${what}: ${expected}`, seen);
}

function wrong(expected: string, seen: string, cause?: unknown): ReelwrightError {
  return new ReelwrightError('EXPORT_WRONG', `the export was expected to have ${expected}; seen: ${seen}`, {
    cause,
    details: { expected, seen },
  });
}
