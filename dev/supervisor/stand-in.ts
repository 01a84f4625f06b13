/** Tiny programs that stand for the parts of the stack in tests of the supervisor. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PartCommand, PartSpec, PartTiming } from './part.js';
import { ProcessRecord } from './process-record.js';
import { Supervisor, type SupervisorOptions } from './supervisor.js';

/** polite: ends on SIGTERM. stubborn: ignores it. crashing: ends at once. helper: has a child of its own, as ffmpeg is. */
export type StandInMode = 'polite' | 'stubborn' | 'crashing' | 'with-helper';

const PROGRAM = `
const { appendFileSync, writeFileSync } = require('node:fs');
const { spawn } = require('node:child_process');
const [folder, name, mode] = process.argv.slice(1);
const note = (word) => appendFileSync(folder + '/journal', word + ' ' + name + ' ' + process.pid + '\\n');
note('started');
if (mode === 'crashing') { console.error('nothing works'); process.exit(3); }
process.on('SIGTERM', () => {
  if (mode === 'stubborn') return note('ignored');
  note('stopped');
  process.exit(0);
});
if (mode === 'with-helper') note('helper:' + spawn('sleep', ['1000'], { stdio: 'ignore' }).pid);
setInterval(() => undefined, 1000);
writeFileSync(folder + '/ready-' + process.pid, '');
`;

export const FAST: PartTiming = {
  probeEveryMs: 5,
  firstRestartDelayMs: 10,
  longestRestartDelayMs: 40,
  stableAfterMs: 60_000,
  startAttempts: 2,
};

/** A temporary folder with a journal of what the stand-ins did, and supervisors for them. */
export class StandInFolder {
  readonly folder = mkdtempSync(join(tmpdir(), 'supervisor-'));
  readonly events: string[] = [];
  readonly ready: { name: string; pid: number }[] = [];
  readonly #supervisors: Supervisor[] = [];

  get record(): ProcessRecord {
    return new ProcessRecord(join(this.folder, 'processes.json'));
  }

  supervisor(stopOrder: SupervisorOptions['stopOrder'], timing: Partial<PartTiming> = {}): Supervisor {
    const supervisor = new Supervisor({
      logFolder: join(this.folder, 'logs'),
      record: this.record,
      stopOrder,
      timing: { ...FAST, ...timing },
      onReady: (name, pid) => this.ready.push({ name, pid }),
      onEvent: (name, message) => this.events.push(`${name} ${message}`),
    });
    this.#supervisors.push(supervisor);
    return supervisor;
  }

  spec(name: string, mode: StandInMode, overrides: Partial<PartSpec> = {}): PartSpec {
    return {
      name,
      command: this.command(name, mode),
      isReady: (pid) => Promise.resolve(existsSync(join(this.folder, `ready-${pid}`))),
      readyLimitMs: 20_000,
      stopSignal: 'SIGTERM',
      stopLimitMs: 20_000,
      ...overrides,
    };
  }

  command(name: string, mode: StandInMode): PartCommand {
    const args = ['-e', PROGRAM, this.folder, name, mode];
    return { file: process.execPath, args, cwd: this.folder, env: { PATH: process.env['PATH'] }, ipc: false };
  }

  /** The lines of the journal, such as `started api 4711`. */
  journal(): string[] {
    const path = join(this.folder, 'journal');
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  }

  /** How often something was noted of a part. */
  count(word: string, name: string): number {
    return this.journal().filter((line) => line.startsWith(`${word} ${name} `)).length;
  }

  note(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  async remove(): Promise<void> {
    for (const supervisor of this.#supervisors) {
      supervisor.kill();
      await supervisor.stop();
    }
    await this.record.endLeftovers(0);
    rmSync(this.folder, { recursive: true });
  }
}
