/** A local Replicate whose videos come at once, for tests that are not about rendering. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type LocalReplicate, startLocalReplicate } from '../../dev/replicate/server.js';
import { createReplicateProvider } from '../../replicate/replicate-provider.js';
import type { VideoProvider } from '../../replicate/video-provider.js';

const run = promisify(execFile);

/** What the provider says was bought. */
export interface Bought {
  id: string;
  model: string;
  input: Record<string, unknown>;
  status: string;
  error: string | null;
  priceUsd: number;
}

export interface TestReplicate {
  server: LocalReplicate;
  provider: VideoProvider;
  /** The video that every prediction gives: 4 s. */
  clipPath: string;
  arm(fault: Record<string, unknown>): Promise<void>;
  bought(): Promise<Bought[]>;
  close(): Promise<void>;
}

/** A clip of plain colour, 320x180 at 24 frames a second. */
export async function makeClip(path: string, seconds: number, colour = 'teal'): Promise<void> {
  const source = `color=c=${colour}:size=320x180:rate=24:duration=${seconds}`;
  await run('ffmpeg', [
    '-v',
    'error',
    '-y',
    '-f',
    'lavfi',
    '-i',
    source,
    '-pix_fmt',
    'yuv420p',
    '-movflags',
    '+faststart',
    path,
  ]);
}

export async function startTestReplicate(options: { instant?: boolean } = {}): Promise<TestReplicate> {
  const dir = await mkdtemp(join(tmpdir(), 'reelwright-test-replicate-'));
  const clipPath = join(dir, 'instant.mp4');
  await makeClip(clipPath, 4);
  const instant = options.instant ?? true;
  const server = await startLocalReplicate({ dir, ...(instant ? { instantFile: clipPath } : {}), createsPerMinute: 0 });
  return {
    server,
    provider: createReplicateProvider({ token: 'r8_test', baseUrl: server.url }),
    clipPath,
    async arm(fault) {
      const response = await fetch(`${server.origin}/_local/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(fault),
      });
      if (!response.ok) throw new Error(`the fault was refused: ${await response.text()}`);
    },
    async bought() {
      const answer = (await (await fetch(`${server.origin}/_local/predictions`)).json()) as
        | { results: Bought[] }
        | Bought[];
      return Array.isArray(answer) ? answer : answer.results;
    },
    async close() {
      await server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
