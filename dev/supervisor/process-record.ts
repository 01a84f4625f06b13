/** A list on disk of the processes that were started, so that the next start can end what a killed supervisor left. */
import { readJson, writePrivateJson } from './json-file.js';
import { identify, isStillRunning, type ProcessIdentity, sendSignal } from './process-table.js';
import { becomesTrue } from './wait.js';

interface RecordedProcess extends ProcessIdentity {
  name: string;
  /** The signal that this process takes as a request to end in order. */
  stopSignal: NodeJS.Signals;
}

export class ProcessRecord {
  readonly #path: string;
  #processes: RecordedProcess[];

  constructor(path: string) {
    this.#path = path;
    this.#processes = parseRecord(readJson(path));
  }

  add(name: string, pid: number, stopSignal: NodeJS.Signals): void {
    const identity = identify(pid);
    if (identity === undefined) return;
    this.#processes.push({ name, stopSignal, ...identity });
    this.#save();
  }

  remove(pid: number): void {
    this.#processes = this.#processes.filter((row) => row.pid !== pid);
    this.#save();
  }

  /**
   * Ends every recorded process that still runs, in order first, by force after `limitMs`.
   * Each leads its own process group, so what it started itself ends with it.
   * @returns the names of those that were found running
   */
  async endLeftovers(limitMs: number): Promise<string[]> {
    const left = this.#processes.filter(isStillRunning);
    for (const row of left) sendSignal(row.pid, row.stopSignal);
    const ended = await becomesTrue(() => !left.some(isStillRunning), { limitMs, everyMs: 20 });
    if (!ended) {
      for (const row of left.filter(isStillRunning)) {
        if (!sendSignal(-row.pid, 'SIGKILL')) sendSignal(row.pid, 'SIGKILL');
      }
      const killed = await becomesTrue(() => !left.some(isStillRunning), { limitMs: 5_000, everyMs: 20 });
      const stuck = left.filter(isStillRunning).map((row) => `${row.name} (process ${row.pid})`);
      if (!killed)
        throw new Error(`Expected SIGKILL to end ${stuck.join(', ')}, left by an earlier run: still running`);
    }
    this.#processes = [];
    this.#save();
    return left.map((row) => row.name);
  }

  #save(): void {
    writePrivateJson(this.#path, this.#processes);
  }
}

function parseRecord(value: unknown): RecordedProcess[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecordedProcess);
}

function isRecordedProcess(row: unknown): row is RecordedProcess {
  return (
    typeof row === 'object' &&
    row !== null &&
    'pid' in row &&
    typeof row.pid === 'number' &&
    'startedAt' in row &&
    typeof row.startedAt === 'string' &&
    'name' in row &&
    typeof row.name === 'string' &&
    'stopSignal' in row &&
    typeof row.stopSignal === 'string'
  );
}
