import { resolve } from 'node:path';
import { type Logger, pino } from 'pino';

/** How a local Replicate is started. Durations are milliseconds. */
export interface LocalReplicateOptions {
  /** Where predictions, files, faults and outputs are kept; a second start on the same folder goes on where it was. */
  dir: string;
  /** Address to listen on. Default 127.0.0.1. */
  host?: string;
  /** Port to listen on; 0 (the default) takes a free one. */
  port?: number;
  /** Finished renders by content hash; may be shared by several servers. Default `<dir>/render-cache`. */
  renderCacheDir?: string;
  ffmpegPath?: string;
  ffprobePath?: string;
  /** How long input, output and files live, counted from completion (files: from upload). Default 1 h. */
  outputTtlMs?: number;
  /** An mp4 that every video prediction returns at once, without rendering or fetching its images. */
  instantFile?: string;
  /** Creates allowed in a minute, all of them in one burst if need be; 0 is no limit. Default 600. */
  createsPerMinute?: number;
  /** First wait before a terminal webhook is sent again; each further wait is twice as long. Default 1 s. */
  webhookRetryBaseMs?: number;
  /** How long one webhook request may take. Default 5 s. */
  webhookTimeoutMs?: number;
  /** How long fetching one input may take. Default 20 s. */
  inputTimeoutMs?: number;
  /** Renders that run at the same time. Default 2. */
  maxRenders?: number;
  /** Default: silent. */
  logger?: Logger;
}

export type Settings = Readonly<
  Required<Omit<LocalReplicateOptions, 'instantFile'>> & { instantFile: string | undefined }
>;

/** The options with their defaults. Throws when a number is negative or not a number. */
export function settingsOf(options: LocalReplicateOptions): Settings {
  const dir = resolve(options.dir);
  const settings: Settings = {
    dir,
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    renderCacheDir: resolve(options.renderCacheDir ?? `${dir}/render-cache`),
    ffmpegPath: options.ffmpegPath ?? 'ffmpeg',
    ffprobePath: options.ffprobePath ?? 'ffprobe',
    outputTtlMs: options.outputTtlMs ?? 3_600_000,
    instantFile: options.instantFile === undefined ? undefined : resolve(options.instantFile),
    createsPerMinute: options.createsPerMinute ?? 600,
    webhookRetryBaseMs: options.webhookRetryBaseMs ?? 1_000,
    webhookTimeoutMs: options.webhookTimeoutMs ?? 5_000,
    inputTimeoutMs: options.inputTimeoutMs ?? 20_000,
    maxRenders: options.maxRenders ?? 2,
    logger: options.logger ?? pino({ level: 'silent' }),
  };
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === 'number' && !(value >= 0)) throw new Error(`expected ${name} of 0 or more, got ${value}`);
  }
  if (settings.maxRenders < 1) throw new Error(`expected maxRenders of 1 or more, got ${settings.maxRenders}`);
  return settings;
}

const NUMBERS = {
  port: 'PORT',
  outputTtlMs: 'LOCAL_REPLICATE_OUTPUT_TTL_MS',
  createsPerMinute: 'LOCAL_REPLICATE_CREATES_PER_MINUTE',
  webhookRetryBaseMs: 'LOCAL_REPLICATE_WEBHOOK_RETRY_BASE_MS',
  webhookTimeoutMs: 'LOCAL_REPLICATE_WEBHOOK_TIMEOUT_MS',
  inputTimeoutMs: 'LOCAL_REPLICATE_INPUT_TIMEOUT_MS',
  maxRenders: 'LOCAL_REPLICATE_MAX_RENDERS',
} as const;

const TEXTS = {
  host: 'HOST',
  renderCacheDir: 'LOCAL_REPLICATE_RENDER_CACHE',
  ffmpegPath: 'FFMPEG_PATH',
  ffprobePath: 'FFPROBE_PATH',
  instantFile: 'LOCAL_REPLICATE_INSTANT',
} as const;

/** Options from environment variables; an empty variable counts as absent. Throws naming the variable that is wrong. */
export function optionsFromEnvironment(environment: NodeJS.ProcessEnv): LocalReplicateOptions {
  const text = (name: string) => (environment[name] === '' ? undefined : environment[name]);
  const options: LocalReplicateOptions = {
    dir: text('LOCAL_REPLICATE_DIR') ?? '.dev/replicate',
    logger: pino({ name: 'local-replicate', level: text('LOG_LEVEL') ?? 'info' }),
  };
  for (const [option, name] of Object.entries(NUMBERS)) {
    const value = text(name);
    if (value === undefined) continue;
    if (!/^\d+$/.test(value)) throw new Error(`expected ${name} to be a whole number, got "${value}"`);
    options[option as keyof typeof NUMBERS] = Number(value);
  }
  for (const [option, name] of Object.entries(TEXTS)) {
    const value = text(name);
    if (value !== undefined) options[option as keyof typeof TEXTS] = value;
  }
  return options;
}
