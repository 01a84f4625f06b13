/** The api as it is deployed: a process of its own, in front of the bench's database. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { choosePorts } from '../../dev/supervisor/ports.js';

export interface RunningApiProcess {
  url: string;
  pid: number;
  /** The highest resident memory so far, in megabytes (10^6 bytes). */
  peakRssMb(): Promise<number>;
  stop(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** @param folder where it keeps its port and, where it has one, its cache */
export async function startApiProcess(
  databaseUrl: string,
  folder: string,
  env: Record<string, string>,
): Promise<RunningApiProcess> {
  await mkdir(folder, { recursive: true });
  const { api: port } = await choosePorts(join(folder, 'ports.json'), ['api']);
  const url = `http://127.0.0.1:${port}`;
  // As the embedded stack starts it.
  const flags = ['--max-old-space-size=256', '--max-semi-space-size=8', '--import', 'tsx'];
  const child = spawn(process.execPath, [...flags, 'api/main.ts'], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: databaseUrl,
      SECRET_KEY: 'of the bench, and of no use elsewhere',
      REPLICATE_API_TOKEN: 'none',
      PORT: String(port),
      // As nginx writes no line for each request here.
      LOG_LEVEL: 'warn',
      BLOB_CACHE_DIR: join(folder, 'blobs'),
      ...env,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await answering(url, child);
  return {
    url,
    pid: child.pid ?? 0,
    async peakRssMb() {
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return (Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024) / 1e6;
    },
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const response = await fetch(`${url}/health/live`).catch(() => undefined);
    if (response?.ok === true) return;
    await sleep(50);
  }
  throw new Error(`expected the api to listen, it ended with ${child.exitCode}`);
}
