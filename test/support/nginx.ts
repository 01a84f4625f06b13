/** nginx from the system's packages, in front of a folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { choosePorts } from '../../dev/supervisor/ports.js';

export interface RunningNginx {
  url: string;
  stop(): Promise<void>;
}

/**
 * Serves the files of `root` as video/mp4. `settings` are directives of its http block; what it writes itself lies in
 * `folder`. Throws when it does not start.
 */
export async function startNginx(settings: string, root: string, folder: string): Promise<RunningNginx> {
  await mkdir(folder, { recursive: true });
  const { nginx: port } = await choosePorts(join(folder, 'ports.json'), ['nginx']);
  const config = join(folder, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await writeFile(
    config,
    `daemon off; pid ${folder}/nginx.pid; error_log stderr crit; worker_processes auto; ${isRoot() ? 'user root;' : ''}
     events { worker_connections 1024; }
     http {
       access_log off; ${settings} keepalive_requests 1000000;
       default_type video/mp4;
       ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
       server { listen 127.0.0.1:${port}; root ${root}; }
     }`,
  );
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`;
  const child = spawn('nginx', ['-c', config, '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, PATH: path },
  });
  const ended = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  await Promise.race([
    answering(url),
    ended.then(([code]) => Promise.reject(new Error(`nginx was expected to run, it ended with ${code}`))),
  ]);
  return {
    url,
    async stop() {
      child.kill('SIGQUIT');
      await ended;
    },
  };
}

const isRoot = (): boolean => process.getuid?.() === 0;

async function answering(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(url).catch(() => undefined);
    if (response !== undefined) return;
    await sleep(20);
  }
}
