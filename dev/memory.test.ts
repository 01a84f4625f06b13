import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { memoryOfTree } from './memory.js';

const MB = 1_000_000;

test.runIf(process.platform === 'linux')(
  'what a process started counts as its own, and no other process does',
  async () => {
    const grandchild = `const kept = Buffer.alloc(150e6, 1); console.log('ready'); setInterval(() => kept, 1000);`;
    const child = `require('node:child_process').spawn(process.execPath, ['-e', process.argv[1]], { stdio: 'inherit' });
    process.on('SIGTERM', () => process.kill(0, 'SIGKILL')); setInterval(() => undefined, 1000);`;
    const family = spawn(process.execPath, ['-e', child, grandchild], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const stranger = spawn(process.execPath, ['-e', `console.log('ready'); setInterval(() => undefined, 1000);`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await Promise.all([once(family.stdout, 'data'), once(stranger.stdout, 'data')]);
      expect(memoryOfTree(family.pid ?? 0)).toBeGreaterThan(150 * MB);
      const alone = memoryOfTree(stranger.pid ?? 0);
      expect(alone).toBeGreaterThan(1 * MB);
      expect(alone).toBeLessThan(150 * MB);
    } finally {
      family.kill('SIGTERM');
      stranger.kill('SIGKILL');
      await once(family, 'exit');
    }
  },
);
