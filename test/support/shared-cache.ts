/** nginx as a cache that many callers share, in front of an api: the kind that must never serve private bytes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOnPath } from '../../dev/install/find-on-path.js';

export interface SharedCache {
  url: string;
  stop(): Promise<void>;
}

/** The nginx of this machine, or undefined where there is none. */
export const findNginx = (): Promise<string | undefined> =>
  findOnPath('nginx', `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin`);

/** Keeps what its answers allow by RFC 9111, and says in `X-Cache` whether it asked the api (MISS) or not (HIT). */
export async function startSharedCache(nginx: string, apiUrl: string): Promise<SharedCache> {
  const folder = await mkdtemp(join(tmpdir(), 'reelwright-test-cache-'));
  const port = await freePort();
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr warn;
     events { worker_connections 64; }
     http {
       ${paths.join(' ')}
       access_log off;
       proxy_cache_path ${folder}/cache keys_zone=shared:1m;
       server {
         listen 127.0.0.1:${port};
         location / {
           proxy_pass ${apiUrl};
           proxy_cache shared;
           proxy_cache_key $request_uri;
           # Answers that say nothing of caching may be kept as well.
           proxy_cache_valid any 1m;
           add_header X-Cache $upstream_cache_status always;
         }
       }
     }`,
  );
  const child = spawn(nginx, ['-p', folder, '-c', join(folder, 'nginx.conf')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  while (child.exitCode === null && !(await answers(url))) await new Promise((again) => setTimeout(again, 20));
  if (child.exitCode !== null) throw new Error(`expected nginx to run, it ended with ${child.exitCode}`);
  return {
    url,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const answers = async (url: string): Promise<boolean> =>
  await fetch(url).then(
    () => true,
    () => false,
  );

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
