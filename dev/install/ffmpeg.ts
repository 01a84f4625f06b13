/** Finds ffmpeg and ffprobe, or installs them. */
import { installAdvice, installWithApt } from './apt.js';
import { findOnPath } from './find-on-path.js';
import { NotInstalledError } from './not-installed.js';
import { runProgram } from './run-program.js';

export interface FfmpegPaths {
  ffmpegPath: string;
  ffprobePath: string;
}

/** Encoders and filters without which no clip can be cut; some small builds of ffmpeg lack them. */
const NEEDED_ENCODERS = ['libx264', 'aac'];

/**
 * In this order: `FFMPEG_PATH` and `FFPROBE_PATH`, the PATH, apt where that asks nothing.
 * @throws NotInstalledError with the exact command to run
 */
export async function ensureFfmpeg(env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<FfmpegPaths> {
  const found = await findFfmpeg(env);
  if (found !== undefined) return found;
  const whyNot = await installWithApt(['ffmpeg'], env, signal);
  const installed = whyNot === undefined ? await findFfmpeg(env) : undefined;
  if (installed !== undefined) return installed;
  const advice = installAdvice({ apt: 'ffmpeg', brew: 'ffmpeg' });
  throw new NotInstalledError(
    `ffmpeg and ffprobe are needed and were not found${whyNot === undefined ? '' : ` (${whyNot})`}. Run: ${advice}\n` +
      'or set FFMPEG_PATH and FFPROBE_PATH.',
  );
}

async function findFfmpeg(env: NodeJS.ProcessEnv): Promise<FfmpegPaths | undefined> {
  const [ffmpegPath, ffprobePath] = await Promise.all([
    locate('ffmpeg', 'FFMPEG_PATH', env),
    locate('ffprobe', 'FFPROBE_PATH', env),
  ]);
  if (ffmpegPath === undefined || ffprobePath === undefined) return undefined;
  const { code, output, tail } = await runProgram(ffmpegPath, ['-hide_banner', '-encoders'], { env });
  if (code !== 0) throw new NotInstalledError(`${ffmpegPath} does not run: ${tail.slice(0, 300)}`);
  const missing = NEEDED_ENCODERS.filter((encoder) => !new RegExp(`^ \\S+ ${encoder} `, 'm').test(output));
  if (missing.length > 0) {
    throw new NotInstalledError(
      `${ffmpegPath} was built without ${missing.join(' and ')}, which every clip needs. Set FFMPEG_PATH to another ffmpeg.`,
    );
  }
  return { ffmpegPath, ffprobePath };
}

async function locate(name: string, variable: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const given = env[variable];
  if (given === undefined || given === '') return findOnPath(name, env['PATH']);
  const { code, tail } = await runProgram(given, ['-version'], { env });
  if (code !== 0)
    throw new NotInstalledError(`${variable} cannot be used: ${given} -version said: ${tail.slice(0, 300)}`);
  return given;
}
