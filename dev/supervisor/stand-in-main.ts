/**
 * A supervisor in a process of its own, for tests that kill it: `node --import tsx stand-in-main.ts <folder>`. Prints its
 * parts' processes as JSON when all are ready. On SIGTERM it stops in order.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { foreignPart } from './foreign-command.js';
import { takeLock } from './lock.js';
import { nodePart } from './node-command.js';
import { ProcessRecord } from './process-record.js';
import { Supervisor } from './supervisor.js';

const folder = process.argv[2];
if (folder === undefined) throw new Error('Expected a folder');
const env = { PATH: process.env['PATH'] };
const unlock = await takeLock(join(folder, 'supervisor.lock'));
const supervisor = new Supervisor({
  logFolder: join(folder, 'logs'),
  record: new ProcessRecord(join(folder, 'processes.json')),
  stopOrder: [['node', 'loading', 'foreign', 'deaf']],
  onReady: () => undefined,
  onEvent: (name, message) => console.error(`${name} ${message}`),
});
process.once('SIGTERM', () => void supervisor.stop().then(unlock));

/** Keeps a process busy before anything of ours is loaded into it. */
const SLOW_LOADING = 'data:text/javascript,Atomics.wait(new Int32Array(new SharedArrayBuffer(4)),0,0,1500)';

const isReady = () => Promise.resolve(true);
const rest = { isReady, readyLimitMs: 10_000, stopLimitMs: 10_000, stopSignal: 'SIGTERM' } as const;
const program = { root: import.meta.dirname, file: 'stand-in-part.ts', args: [folder], env };
const loading = nodePart({ ...program, nodeFlags: ['--import', SLOW_LOADING] });
const sleeper = { file: 'sleep', args: ['1000'], cwd: folder, env };
const foreign = foreignPart({ ...sleeper, deathSignal: 'INT' });
const isUp = () => Promise.resolve(existsSync(join(folder, 'up')));
await Promise.all([
  supervisor.start({ ...rest, name: 'node', command: nodePart(program), isReady: isUp }),
  supervisor.start({ ...rest, name: 'foreign', command: foreign, stopSignal: 'SIGINT' }),
  // Nothing tells this one that its supervisor is gone.
  supervisor.start({ ...rest, name: 'deaf', command: { ...sleeper, ipc: false } }),
]);
await supervisor.start({ ...rest, name: 'loading', command: loading });
console.log(JSON.stringify(supervisor.pids()));
