/** The api as it is deployed, compiled: a process of its own, in front of the bench's database. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { choosePorts } from '../../dev/supervisor/ports.js';
import type { ProductionBuild } from '../../test/support/production-build.js';

export interface RunningApiProcess {
  url: string;
  pid: number;
  /** The highest resident memory so far, in megabytes (10^6 bytes). */
  peakRssMb(): Promise<number>;
  stop(): Promise<void>;
}

/** @param folder where it keeps its port and, where it has one, its cache */
export async function startApiProcess(
  build: ProductionBuild,
  databaseUrl: string,
  folder: string,
  env: Record<string, string>,
): Promise<RunningApiProcess> {
  await mkdir(folder, { recursive: true });
  const { api: port } = await choosePorts(join(folder, 'ports.json'), ['api']);
  const url = `http://127.0.0.1:${port}`;
  const { scripts } = JSON.parse(await readFile(join(build.folder, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  // What `npm run start:api` runs, which leaves no process but the api's.
  const child = spawn('sh', ['-c', scripts['start:api'] ?? ''], {
    cwd: build.folder,
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
