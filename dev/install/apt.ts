/** Installing with apt, where that works without asking anybody anything. */
import { startProgress } from '../progress.js';
import { findOnPath } from './find-on-path.js';
import { runProgram } from './run-program.js';

/**
 * Installs packages as root, or through a sudo that asks for no password.
 * @returns undefined when they are installed, else why they are not
 */
export async function installWithApt(
  packages: readonly string[],
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if ((await findOnPath('apt-get', env['PATH'])) === undefined) return 'there is no apt-get here';
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && (await runProgram('sudo', ['-n', 'true'], { env, signal })).code !== 0) {
    return 'apt-get needs root, and sudo asks for a password';
  }
  const progress = startProgress(`apt-get install ${packages.join(' ')}`);
  const prefix = isRoot ? [] : ['sudo', '-n'];
  const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=120'];
  const steps = [
    ['update', '-q'],
    ['install', '-y', '-q', '--no-install-recommends', ...packages],
  ];
  for (const step of steps) {
    const [file = 'env', ...args] = [...prefix, ...apt, ...step];
    progress.update(step[0] ?? '');
    const { code, tail } = await runProgram(file, args, {
      env,
      signal,
      onOutput: (text) => progress.update(text.trim().split('\n').at(-1) ?? ''),
    });
    if (code !== 0) {
      progress.done('failed');
      return `apt-get ${step[0]} failed: ${tail.split('\n').slice(-3).join(' ')}`;
    }
  }
  progress.done('installed');
  return undefined;
}

/** The command that a person would run to install packages on this kind of system. */
export function installAdvice(packages: { apt: string; brew: string }): string {
  if (process.platform === 'darwin') return `brew install ${packages.brew}`;
  const sudo = process.getuid?.() === 0 ? '' : 'sudo ';
  return `${sudo}apt-get update && ${sudo}apt-get install -y ${packages.apt}`;
}
