/** The embedded stack: all parts of the product on one machine, started together, stopped in order. */
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readSettings } from './stack-settings.js';
import { startParts } from './stack-start.js';
import { removeState, type StackState, writeState } from './stack-state.js';
import { takeLock } from './supervisor/lock.js';
import { ProcessRecord } from './supervisor/process-record.js';
import { Supervisor } from './supervisor/supervisor.js';

export interface StackOptions {
  /** The checkout. */
  root: string;
  /** Where data, logs, secrets and the state file lie. */
  folder: string;
  env: NodeJS.ProcessEnv;
  /** Takes a line for people. */
  print: (line: string) => void;
}

/** Each ends before the next begins; those of one group end side by side. Together they stay below 60 s. */
const STOP_ORDER = [['api'], ['worker', 'mediaWorker'], ['replicate'], ['temporal'], ['postgres']];

/** How long processes that a killed supervisor left may take to end in order, in milliseconds. */
const LEFTOVER_LIMIT_MS = 10_000;

export class Stack {
  readonly logFolder: string;
  readonly #options: StackOptions;
  readonly #stateFile: string;
  readonly #aborted = new AbortController();
  #supervisor: Supervisor | undefined;
  #unlock: (() => void) | undefined;
  #state: StackState | undefined;
  #starting: Promise<StackState> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: StackOptions) {
    this.#options = options;
    this.#stateFile = join(options.folder, 'state.json');
    this.logFolder = join(options.folder, 'logs');
  }

  /**
   * Starts everything and resolves once all parts are healthy; the state file is written then.
   * @throws LockHeldError when a stack runs from this folder already, SettingsError, NotInstalledError, or what made a
   * part fail; nothing runs afterwards
   */
  async start(): Promise<StackState> {
    this.#starting = this.#start();
    try {
      return await this.#starting;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Ends all parts in order; during a start, gives it up. Each call gives the same promise. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Ends all parts at once. */
  kill(): void {
    this.#aborted.abort(new Error('the stack was stopped'));
    this.#supervisor?.kill();
  }

  async #start(): Promise<StackState> {
    const { folder, env, print, root } = this.#options;
    const settings = readSettings(env);
    mkdirSync(folder, { recursive: true });
    // Postgres may run as another user, who has to pass through; every file in it is private by itself.
    chmodSync(folder, 0o711);
    this.#unlock = await takeLock(join(folder, 'supervisor.lock'));
    print('Starting the embedded stack');
    removeState(this.#stateFile);
    const record = new ProcessRecord(join(folder, 'processes.json'));
    const left = await record.endLeftovers(LEFTOVER_LIMIT_MS);
    if (left.length > 0) print(`Ended what an earlier run had left: ${left.join(', ')}`);
    this.#aborted.signal.throwIfAborted();
    const supervisor = new Supervisor({
      logFolder: this.logFolder,
      record,
      stopOrder: STOP_ORDER,
      onReady: (name, pid) => this.#notePid(name, pid),
      onEvent: (name, message) => print(`${name} ${message}`),
    });
    this.#supervisor = supervisor;
    const { signal } = this.#aborted;
    const addresses = await startParts({ root, folder, env, print, settings, supervisor, signal });
    this.#state = { ...addresses, pids: supervisor.pids() };
    writeState(this.#stateFile, this.#state);
    return this.#state;
  }

  async #stop(): Promise<void> {
    this.#aborted.abort(new Error('the stack was stopped'));
    if (this.#unlock !== undefined) removeState(this.#stateFile);
    this.#state = undefined;
    await this.#supervisor?.stop();
    // A start that was given up ends with an error that its own caller sees.
    await this.#starting?.catch(() => undefined);
    await this.#supervisor?.stop();
    this.#unlock?.();
  }

  /** A part that was started again has a new process: whoever reads the state must find that one. */
  #notePid(name: string, pid: number): void {
    if (this.#state === undefined) return;
    this.#state = { ...this.#state, pids: { ...this.#state.pids, [name]: pid } };
    writeState(this.#stateFile, this.#state);
  }
}
