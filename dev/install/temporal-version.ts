/** Whether an executable is the Temporal CLI, and new enough. */
import { runProgram } from './run-program.js';

/** The tag of github.com/temporalio/cli that is downloaded or built; `tools/temporal/go.mod` requires the same. */
export const TEMPORAL_CLI_VERSION = '1.5.1';

/** Task queue fairness and worker deployments, which the product uses, were tried from this server version on. */
const OLDEST_SERVER = [1, 29, 0] as const;

/** @returns undefined when the executable will do, else why it will not */
export async function whyTemporalCliIsUnfit(path: string): Promise<string | undefined> {
  const { code, output, tail } = await runProgram(path, ['--version']);
  if (code !== 0) return `${path} --version failed: ${tail.slice(0, 200) || `code ${code}`}`;
  const server = /\(Server (\d+)\.(\d+)\.(\d+)/.exec(output);
  if (server === null) return `${path} is not the Temporal CLI: --version said "${output.trim().slice(0, 80)}"`;
  const [major, minor, patch] = server.slice(1).map(Number) as [number, number, number];
  const [oldMajor, oldMinor, oldPatch] = OLDEST_SERVER;
  const difference = major - oldMajor || minor - oldMinor || patch - oldPatch;
  return difference >= 0
    ? undefined
    : `${path} brings server ${major}.${minor}.${patch}; ${OLDEST_SERVER.join('.')} or later is needed`;
}
