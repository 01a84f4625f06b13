/** Every figure of ours, in one table; docs/observability.md, the alerts and the dashboard are checked against it. */

export type MetricType = 'counter' | 'gauge' | 'histogram';

export type ProcessName = 'api' | 'worker' | 'media-worker';

/** Which process counts it; `database` figures are read from Postgres and served by each of them alike. */
export type MetricSource = ProcessName | 'database';

export interface MetricRow {
  type: MetricType;
  help: string;
  labels: readonly string[];
  from: readonly MetricSource[];
  /** Upper bounds of a histogram, in the unit of its name. */
  buckets?: readonly number[];
}

const ALL = ['api', 'worker', 'media-worker'] as const;
const WORKERS = ['worker', 'media-worker'] as const;
const DATABASE = ['database'] as const;

const REQUEST_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];
const LAG_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];
const WORK_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600];

/** Names follow prometheus.io/docs/practices/naming: base units, `_total` for what only grows. */
export const METRICS = {
  reelwright_build_info: row('gauge', 'Always 1; the labels say what runs.', ['process', 'build_id'], ALL),
  reelwright_http_request_duration_seconds: row(
    'histogram',
    'From the first byte of a request to the end of its answer, by route template.',
    ['method', 'route', 'status'],
    ['api'],
    REQUEST_SECONDS,
  ),
  reelwright_http_response_bytes_total: row(
    'counter',
    'Bytes written to clients, headers included.',
    ['route'],
    ['api'],
  ),
  reelwright_blob_chunks_read_total: row(
    'counter',
    'Chunks of blobs given to readers, by where they were found: memory, disk, database, or shared with another reader.',
    ['found_in'],
    ['api'],
  ),
  reelwright_webhooks_total: row(
    'counter',
    'Webhooks of the provider with a good signature: new, or known from an earlier delivery.',
    ['outcome'],
    ['api'],
  ),
  reelwright_webhook_lag_seconds: row(
    'histogram',
    'From the end of a prediction by the provider’s clock to the receipt of its first webhook.',
    [],
    ['api'],
    LAG_SECONDS,
  ),
  reelwright_webhook_to_fetch_seconds: row(
    'histogram',
    'From the receipt of a webhook to the start of the activity that fetches the output.',
    [],
    ['media-worker'],
    LAG_SECONDS,
  ),
  reelwright_activity_duration_seconds: row(
    'histogram',
    'Attempts of activities: completed, failed or cancelled.',
    ['activity', 'outcome'],
    WORKERS,
    WORK_SECONDS,
  ),
  reelwright_activity_failures_total: row(
    'counter',
    'Failed attempts of activities by the code of the error table, or OTHER.',
    ['activity', 'code'],
    WORKERS,
  ),
  reelwright_activity_last_success_timestamp_seconds: row(
    'gauge',
    'When an attempt of this activity last completed in this process. For schedules, take max().',
    ['activity'],
    WORKERS,
  ),
  reelwright_provider_request_duration_seconds: row(
    'histogram',
    'Requests to the provider’s API by route template and status; status "none" where no answer came.',
    ['method', 'route', 'status'],
    ALL,
    REQUEST_SECONDS,
  ),
  reelwright_tool_run_duration_seconds: row(
    'histogram',
    'Runs of ffmpeg and ffprobe: completed, failed or cancelled.',
    ['tool', 'outcome'],
    ALL,
    WORK_SECONDS,
  ),
  reelwright_cut_time_ratio: row(
    'histogram',
    'Seconds that a cut took for each second of its video, fetching and storing included.',
    [],
    ['media-worker'],
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8],
  ),
  reelwright_database_connections: row(
    'gauge',
    'Connections of this process by pool (rows, streams) and state (used, idle, waiting for one).',
    ['pool', 'state'],
    ALL,
  ),
  reelwright_database_up: row(
    'gauge',
    'Whether the figures below could be read from Postgres; where it is 0 they are absent.',
    [],
    ALL,
  ),

  reelwright_jobs: row('gauge', 'Jobs by stage.', ['stage'], DATABASE),
  reelwright_clips: row('gauge', 'Clips by state.', ['state'], DATABASE),
  reelwright_oldest_waiting_clip_seconds: row(
    'gauge',
    'How long the oldest clip of an open job has been pending, generating or storing; a clip that waits for a decision does not count.',
    [],
    DATABASE,
  ),
  reelwright_clips_waiting_for_decision: row('gauge', 'Clips that need attention.', [], DATABASE),
  reelwright_purchases: row('gauge', 'Attempts to buy something by state of the ledger.', ['state'], DATABASE),
  reelwright_purchase_failures_total: row(
    'counter',
    'Attempts to buy something that ended without an output, by error code.',
    ['code'],
    DATABASE,
  ),
  reelwright_spend_usd_total: row(
    'counter',
    'What the ledger says was spent, strays included, by the provider’s name of the model.',
    ['provider', 'model'],
    DATABASE,
  ),
  reelwright_adoptions_total: row(
    'counter',
    'Purchases whose answer was lost and that were found again, by where.',
    ['found_in'],
    DATABASE,
  ),
  reelwright_purchases_unknown: row('gauge', 'Purchases of which nobody knows whether they exist.', [], DATABASE),
  reelwright_oldest_unknown_purchase_seconds: row(
    'gauge',
    'How long ago the oldest unknown purchase was posted; 0 without one.',
    [],
    DATABASE,
  ),
  reelwright_strays_total: row('counter', 'Predictions at the provider that no purchase stands for.', [], DATABASE),
  reelwright_strays_open: row('gauge', 'Strays whose end is not known yet.', [], DATABASE),
  reelwright_purchasing_paused: row('gauge', '1 while nothing is bought, by a person or by itself.', [], DATABASE),
  reelwright_ledger_clock_age_seconds: row(
    'gauge',
    'Age of the ledger’s clock, which the reconciler moves on every 30 s. Absent before its first run.',
    [],
    DATABASE,
  ),
  reelwright_outputs_not_stored: row('gauge', 'Predictions that succeeded and are not stored yet.', [], DATABASE),
  reelwright_oldest_output_not_stored_seconds: row(
    'gauge',
    'How long ago the oldest of them succeeded; 0 without one.',
    [],
    DATABASE,
  ),
  reelwright_blobs: row('gauge', 'Blobs in the store.', [], DATABASE),
  reelwright_blob_bytes: row('gauge', 'Bytes of all blobs.', [], DATABASE),
  reelwright_blob_limit_bytes: row(
    'gauge',
    'BLOB_STORE_MAX_BYTES, the most that blobs are meant to take. Absent where none is set.',
    [],
    DATABASE,
  ),
  reelwright_database_size_bytes: row('gauge', 'What the database takes on its disk.', [], DATABASE),
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof METRICS;

/** A value that was read from Postgres. */
export interface Sample {
  metric: MetricName;
  labels?: Readonly<Record<string, string>>;
  value: number;
}

function row(
  type: MetricType,
  help: string,
  labels: readonly string[],
  from: readonly MetricSource[],
  buckets?: readonly number[],
): MetricRow {
  return { type, help, labels, from, ...(buckets === undefined ? {} : { buckets }) };
}
