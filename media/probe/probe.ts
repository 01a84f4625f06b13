import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { ZodError } from 'zod';
import { ReelwrightError } from '../../domain/errors.js';
import { inputArgs } from '../ffmpeg/input-args.js';
import type { MediaTools } from '../ffmpeg/media-tools.js';
import { type RunLimits, runTool, type ToolRun } from '../ffmpeg/run-tool.js';
import { lastWords, leftWithFailure } from '../ffmpeg/tool-errors.js';
import { REPORT_ENTRIES, readReport } from './ffprobe-report.js';
import type { MediaProbe } from './media-probe.js';

/**
 * Says what a media file is, without decoding it. Playlists and scripts that point at other files are refused
 * unopened. Throws MEDIA_UNREADABLE when it is no media file, is empty, or has no stream; FFMPEG_FAILED when ffprobe
 * itself could not do its work; the signal's reason when aborted.
 */
export async function probe(tools: MediaTools, path: string, limits: RunLimits = {}): Promise<MediaProbe> {
  const asked = ['-print_format', 'json', '-show_entries', REPORT_ENTRIES, '-show_data_hash', 'sha256'];
  return await askFfprobe(tools, path, asked, limits, readReport);
}

/**
 * Runs ffprobe with these options on a file and gives what `read` makes of its standard output, or of what `onStdout` left
 * of it. Throws as `probe`, and MEDIA_UNREADABLE for what `read` throws.
 */
export async function askFfprobe<Answer>(
  tools: MediaTools,
  path: string,
  options: readonly string[],
  run: ToolRun,
  read: (stdout: string) => Answer,
): Promise<Answer> {
  const name = basename(path);
  await checkIsFilledFile(path, name);
  const args = ['-hide_banner', '-v', 'error', ...options, ...inputArgs(path)];
  const { stdout } = await runTool(tools.ffprobePath, args, run).catch((error: unknown) => {
    if (!leftWithFailure(error)) throw error;
    throw unreadable(name, lastWords(String(error.details?.['stderr'])), error);
  });
  try {
    return read(stdout);
  } catch (error) {
    throw unreadable(name, describe(error), error);
  }
}

/** A named pipe or a device would block ffprobe or never end, and an empty file deserves a plain word. */
async function checkIsFilledFile(path: string, name: string): Promise<void> {
  const file = await stat(path).catch((cause: unknown) => {
    throw unreadable(name, (cause as Error).message.split(',')[0] ?? '', cause);
  });
  if (!file.isFile()) throw unreadable(name, 'it is not a regular file');
  if (file.size === 0) throw unreadable(name, 'it is empty (0 bytes)');
}

function unreadable(name: string, seen: string, cause?: unknown): ReelwrightError {
  return new ReelwrightError('MEDIA_UNREADABLE', `${name} was expected to be a media file, and is not: ${seen}`, {
    cause,
    details: { file: name, seen },
  });
}

function describe(error: unknown): string {
  if (!(error instanceof ZodError)) return (error as Error).message;
  return error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
}
