/** Programs that only tests and benches want: a browser, a server to compare with, load, and what checks Prometheus's files. Their absence is reported, not fatal. */
import { installAdvice, installWithApt } from './apt.js';
import { findOnPath } from './find-on-path.js';

interface TestProgram {
  label: string;
  /** Names under which it may be found. */
  names: readonly string[];
  apt: string;
  brew: string;
}

const TEST_PROGRAMS: readonly TestProgram[] = [
  { label: 'Chromium', names: ['chromium', 'chromium-browser', 'google-chrome'], apt: 'chromium', brew: 'chromium' },
  { label: 'nginx', names: ['nginx'], apt: 'nginx-light', brew: 'nginx' },
  { label: 'promtool', names: ['promtool'], apt: 'prometheus', brew: 'prometheus' },
  { label: 'wrk', names: ['wrk'], apt: 'wrk', brew: 'wrk' },
];

/** Debian keeps servers in a folder that is not on the PATH of ordinary users. */
const SERVER_FOLDERS = '/usr/sbin:/usr/local/sbin';

/** @returns a line for each program that is missing and could not be installed */
export async function ensureTestPrograms(env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<string[]> {
  const missing: TestProgram[] = [];
  for (const program of TEST_PROGRAMS) if ((await locate(program, env)) === undefined) missing.push(program);
  if (missing.length === 0) return [];
  const lines: string[] = [];
  for (const program of missing) {
    const whyNot = await installWithApt([program.apt], env, signal);
    if (whyNot === undefined && (await locate(program, env)) !== undefined) continue;
    lines.push(
      `${program.label} is missing (${whyNot ?? 'not found after its installation'}). Run: ${installAdvice(program)}`,
    );
  }
  return lines;
}

/** The path of Chromium or nginx where it is there. */
export async function findTestProgram(
  label: (typeof TEST_PROGRAMS)[number]['label'],
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  const program = TEST_PROGRAMS.find((one) => one.label === label);
  return program === undefined ? undefined : await locate(program, env);
}

async function locate(program: TestProgram, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const name of program.names) {
    const path = await findOnPath(name, `${env['PATH'] ?? ''}:${SERVER_FOLDERS}`);
    if (path !== undefined) return path;
  }
  return undefined;
}
