import { execFile } from 'node:child_process';
import { once } from 'node:events';

export interface ToolRun {
  code: number;
  out: string;
  err: string;
}

/** Runs a command-line tool as a process of its own, with these variables and none of the outer ones of that name. */
export async function runToolProcess(
  file: string,
  args: readonly string[],
  variables: Record<string, string | undefined>,
): Promise<ToolRun> {
  const env = Object.fromEntries(
    Object.entries({ ...process.env, ...variables }).filter(([, value]) => value !== undefined),
  );
  const child = execFile(process.execPath, ['--import', 'tsx', file, ...args], { env: env as NodeJS.ProcessEnv });
  let out = '';
  let err = '';
  child.stdout?.on('data', (text: string) => (out += text));
  child.stderr?.on('data', (text: string) => (err += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}
