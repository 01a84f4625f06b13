import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Environment, EnvironmentError } from './environment.js';

type Variable = 'FFMPEG_PATH' | 'FFPROBE_PATH';

/** Starts each named program once; throws EnvironmentError that names the variables whose program does not start. */
export async function requireMediaPrograms<Name extends Variable>(
  env: Pick<Environment, Name>,
  names: readonly Name[],
): Promise<void> {
  const problems = (await Promise.all(names.map((name) => problemOf(name, env[name])))).flat();
  if (problems.length > 0) throw new EnvironmentError(problems);
}

async function problemOf(name: Variable, path: string): Promise<string[]> {
  try {
    await promisify(execFile)(path, ['-version']);
    return [];
  } catch (error) {
    const seen = String((error as { code?: unknown }).code);
    return [`${name}: expected a program that runs, or its name on the PATH; starting it gave ${seen}`];
  }
}
