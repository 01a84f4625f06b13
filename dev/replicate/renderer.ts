/** Makes what a prediction asks for, or takes it from the cache: the same job and inputs always give the same file. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type InputReader, ModelFailure, unusableInput } from './input-media.js';
import { CONTINUATION_TOO_LONG, tooLongToContinue } from './model-rules.js';
import { type KeptSound, renderMusic, soundSeconds } from './music-renderer.js';
import { type RenderCache, renderKey, sha256 } from './render-cache.js';
import type { MusicJob, RenderJob, VideoJob } from './render-job.js';
import { frameSize, renderVideo } from './video-renderer.js';

/** Part of every cache key: raise it when a change in the renderers changes their output. */
const RENDERER_VERSION = 1;

export interface Rendered {
  path: string;
  /** The last part of the output's link. */
  fileName: string;
  contentType: string;
}

export interface Renderer {
  /** Throws ModelFailure where the input is at fault, and the signal's reason once it has stopped after an abort. */
  render(job: RenderJob, signal: AbortSignal): Promise<Rendered>;
}

export function createRenderer(options: {
  inputs: InputReader;
  cache: RenderCache;
  ffmpegPath: string;
  ffprobePath: string;
}): Renderer {
  const { inputs, cache, ffmpegPath, ffprobePath } = options;

  async function video(job: VideoJob, signal: AbortSignal): Promise<Rendered> {
    const pictures = await Promise.all(
      job.images.map(async (image) => ({ field: image.field, bytes: await inputs.readImage(image, signal) })),
    );
    const size = await frameSize(job, pictures[0]);
    const key = renderKey({
      version: RENDERER_VERSION,
      model: job.model,
      ...size,
      seconds: job.seconds,
      audio: job.audio,
      pictures: pictures.length > 0 ? pictures.map((picture) => sha256(picture.bytes)) : { prompt: job.prompt },
    });
    const path = await cache.obtain(`${key}.mp4`, signal, (folder) =>
      renderVideo({ job, pictures, size, folder, ffmpegPath, signal }),
    );
    return { path, fileName: 'output.mp4', contentType: 'video/mp4' };
  }

  async function keptSound(
    job: MusicJob,
    bytes: Buffer,
    folder: string,
    signal: AbortSignal,
  ): Promise<KeptSound | undefined> {
    if (job.audio === null) return undefined;
    const path = join(folder, 'input-audio');
    await writeFile(path, bytes);
    let seconds: number;
    try {
      seconds = await soundSeconds(path, ffprobePath, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw unusableInput(job.audio.field, 'is not readable audio', error);
    }
    if (job.continuation === null) return undefined;
    const { start } = job.continuation;
    const end = Math.min(job.continuation.end ?? seconds, seconds);
    if (start >= end) throw new ModelFailure('`continuation_start` must be less than or equal to `continuation_end`');
    if (tooLongToContinue(job.seconds, end - start)) throw new ModelFailure(CONTINUATION_TOO_LONG);
    return { path, start, end };
  }

  async function music(job: MusicJob, signal: AbortSignal): Promise<Rendered> {
    const bytes = job.audio === null ? Buffer.alloc(0) : await inputs.read(job.audio, signal);
    const { seconds, stereo, sampleRate, format, continuation, prompt, model } = job;
    const audio = job.audio === null ? null : sha256(bytes);
    const key = renderKey({
      version: RENDERER_VERSION,
      model,
      seconds,
      stereo,
      sampleRate,
      format,
      continuation,
      prompt,
      audio,
    });
    const path = await cache.obtain(`${key}.${format}`, signal, async (folder) => {
      const kept = await keptSound(job, bytes, folder, signal);
      return renderMusic({ job, kept, folder, ffmpegPath, signal });
    });
    return { path, fileName: `out.${format}`, contentType: format === 'mp3' ? 'audio/mpeg' : 'audio/wav' };
  }

  return {
    render: (job, signal) => (job.kind === 'video' ? video(job, signal) : music(job, signal)),
  };
}
