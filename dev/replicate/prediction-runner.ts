/** Runs predictions from `starting` to their end: in order, a bounded number at a time, and again after a restart. */
import { EventEmitter, once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { WebhookEvent } from './create-validation.js';
import { ModelFailure } from './input-media.js';
import type { OutputStore } from './output-store.js';
import {
  boundFault,
  type Delivery,
  type FinalStatus,
  isExpired,
  isFinal,
  type PredictionRecord,
} from './prediction-record.js';
import type { PredictionStore } from './prediction-store.js';
import { type RenderJob, renderJob } from './render-job.js';
import { RenderSlots } from './render-slots.js';
import type { Rendered, Renderer } from './renderer.js';
import { runAt } from './timers.js';
import type { WebhookSender } from './webhook-sender.js';

const UNKNOWN_ERROR = 'An unknown error occurred. (E1000)';

export interface PredictionRunnerOptions {
  store: PredictionStore;
  webhooks: WebhookSender;
  renderer: Renderer;
  outputs: OutputStore;
  maxRenders: number;
  ttlMs: number;
  /** What every video prediction returns at once; undefined: they are rendered. */
  instant: { rendered: Rendered; size: number } | undefined;
  logger: Logger;
}

interface Run {
  abort: AbortController;
  done: Promise<void>;
  callOffDeadline: () => void;
}

export class PredictionRunner {
  readonly #options: PredictionRunnerOptions;
  readonly #slots: RenderSlots;
  readonly #runs = new Map<string, Run>();
  #closing = false;
  readonly #ended = new EventEmitter().setMaxListeners(0);
  readonly #released = new EventEmitter().setMaxListeners(0);

  constructor(options: PredictionRunnerOptions) {
    this.#options = options;
    this.#slots = new RenderSlots(options.maxRenders);
  }

  /** Starts a prediction that has not ended; one that already runs goes on. */
  submit(record: PredictionRecord): void {
    if (this.#closing || isFinal(record) || this.#runs.has(record.id)) return;
    const abort = new AbortController();
    const callOffDeadline =
      record.deadlineAt === null
        ? () => undefined
        : runAt(Date.parse(record.deadlineAt), () => this.#passDeadline(record));
    const run: Run = { abort, callOffDeadline, done: Promise.resolve() };
    this.#runs.set(record.id, run);
    run.done = this.#run(record, abort.signal).finally(() => this.#runs.delete(record.id));
  }

  /** Goes on with what an earlier process left unfinished. */
  resume(): void {
    for (const record of this.#options.store.all()) this.submit(record);
  }

  /** Ends a prediction on its creator's wish; one that has ended stays as it is. */
  cancel(record: PredictionRecord): void {
    this.#end(record, 'canceled');
  }

  /** Lets a prediction that hangs go on; any other is left alone. */
  release(record: PredictionRecord): void {
    this.#released.emit(record.id);
  }

  /** Waits until the prediction has ended, at most that long. */
  async waitForEnd(record: PredictionRecord, milliseconds: number): Promise<void> {
    if (isFinal(record)) return;
    await new Promise<void>((resolve) => {
      const stop = () => {
        clearTimeout(timer);
        this.#ended.off(record.id, stop);
        resolve();
      };
      const timer = setTimeout(stop, milliseconds);
      this.#ended.once(record.id, stop);
    });
  }

  /** Removes the data of predictions whose time is over. */
  removeExpired(): void {
    for (const record of this.#options.store.all()) {
      if (record.dataRemoved || !isExpired(record, this.#options.ttlMs, Date.now())) continue;
      record.dataRemoved = true;
      this.#options.store.save(record);
      if (record.output !== null) this.#options.outputs.remove(record.output);
    }
  }

  /** Stops all work. What was unfinished stays so on disk. */
  async close(): Promise<void> {
    this.#closing = true;
    const runs = [...this.#runs.values()];
    for (const run of runs) {
      run.callOffDeadline();
      run.abort.abort(new Error('the local Replicate is closing'));
    }
    await Promise.allSettled(runs.map((run) => run.done));
  }

  async #run(record: PredictionRecord, signal: AbortSignal): Promise<void> {
    try {
      await this.#produce(record, signal);
    } catch (error) {
      // Canceled, past its deadline, or closing: whoever aborted it has already said what it is now.
      if (signal.aborted) return;
      if (error instanceof ModelFailure) {
        this.#end(record, 'failed', { error: error.message });
        return;
      }
      this.#options.logger.error({ err: error, predictionId: record.id }, 'a prediction failed');
      this.#end(record, 'failed', { error: UNKNOWN_ERROR });
    }
  }

  async #produce(record: PredictionRecord, signal: AbortSignal): Promise<void> {
    const { instant, renderer } = this.#options;
    if (boundFault(record, 'aborted') !== undefined) {
      this.#end(record, 'aborted');
      return;
    }
    const [hang, slow, fail] = [boundFault(record, 'hang'), boundFault(record, 'slow'), boundFault(record, 'fail')];
    // Struck predictions hold no render slot while they wait: the others must not suffer.
    if (hang ?? slow ?? fail) this.#start(record);
    if (hang !== undefined) await this.#untilReleased(record, signal);
    if (slow !== undefined) await wait(slow.delayMs, undefined, { signal });
    if (fail !== undefined) throw new ModelFailure(fail.error);

    const job = renderJob(record.model, record.input);
    if (instant !== undefined && job.kind === 'video') {
      // Nothing waits between start and end here: both are written at once.
      this.#start(record, { save: false });
      await this.#complete(record, job, instant.rendered, signal);
      return;
    }
    const giveBack = await this.#slots.acquire(signal);
    try {
      this.#start(record);
      await this.#complete(record, job, await renderer.render(job, signal), signal);
    } finally {
      giveBack();
    }
  }

  /** Rejects with the signal's reason once it aborts. */
  async #untilReleased(record: PredictionRecord, signal: AbortSignal): Promise<void> {
    await once(this.#released, record.id, { signal });
  }

  #start(record: PredictionRecord, { save } = { save: true }): void {
    if (record.status !== 'starting') return;
    record.status = 'processing';
    record.startedAt = new Date().toISOString();
    record.logs = `Running ${record.model}\n`;
    this.#commit(record, ['start', 'logs'], { save });
  }

  async #complete(record: PredictionRecord, job: RenderJob, rendered: Rendered, signal: AbortSignal): Promise<void> {
    const { outputs, instant, webhooks } = this.#options;
    const output =
      rendered === instant?.rendered ? outputs.share(rendered, instant.size) : await outputs.own(record.id, rendered);
    if (signal.aborted) {
      outputs.remove(output);
      return;
    }
    record.output = output;
    record.logs += `Generated ${output.fileName} (${output.size} bytes)\n`;
    const announced = webhooks.prepare(record, 'output');
    record.metrics = billingMetrics(job);
    this.#end(record, 'succeeded', { before: announced === undefined ? [] : [announced] });
  }

  /** The one way a prediction ends. `before` are messages to send ahead of the last one. */
  #end(record: PredictionRecord, status: FinalStatus, more: { error?: string; before?: Delivery[] } = {}): void {
    if (isFinal(record)) return;
    const now = Date.now();
    const seconds = (since: string) => (now - Date.parse(since)) / 1000;
    record.status = status;
    record.completedAt = new Date(now).toISOString();
    record.error = more.error ?? null;
    record.metrics = {
      ...(record.startedAt === null ? {} : { predict_time: seconds(record.startedAt) }),
      total_time: seconds(record.createdAt),
      ...record.metrics,
    };
    // The provider names succeeded, canceled and failed only.
    this.#commit(record, status === 'aborted' ? [] : ['completed'], { before: more.before ?? [] });
    const run = this.#runs.get(record.id);
    run?.callOffDeadline();
    if (status === 'canceled' || status === 'aborted') run?.abort.abort(new Error(`the prediction was ${status}`));
    this.#ended.emit(record.id);
  }

  /** Saves the record together with the messages of its change, then sends them. */
  #commit(record: PredictionRecord, events: WebhookEvent[], { save = true, before = [] as Delivery[] } = {}): void {
    const { webhooks, store } = this.#options;
    const deliveries = events.map((event) => webhooks.prepare(record, event)).filter((one) => one !== undefined);
    if (save) store.save(record);
    for (const delivery of [...before, ...deliveries]) webhooks.send(record, delivery);
  }

  /** `replicate.com/changelog/2025-10-16-prediction-deadlines`: before the start it is aborted, after it canceled. */
  #passDeadline(record: PredictionRecord): void {
    this.#end(record, record.startedAt === null ? 'aborted' : 'canceled');
  }
}

/** Names seen in the provider's metrics of video models. */
function billingMetrics(job: RenderJob): Record<string, unknown> {
  if (job.kind === 'music') return { audio_output_duration_seconds: job.seconds };
  return {
    video_output_count: 1,
    video_output_duration_seconds: job.seconds,
    with_audio: job.audio,
    resolution_target: job.resolution,
  };
}
