/** The figures by which a run of the fault harness is judged. Pure: the evidence goes in, one line for each comes out. */
import type { Evidence, Prediction, Purchase } from './evidence.js';

export interface Figure {
  name: string;
  value: number;
  /** The most that is right. */
  atMost: number;
  ok: boolean;
  /** What is wrong, by id: at most a few of them. */
  examples: string[];
}

const ENDED_JOBS = ['completed', 'completed_with_gaps', 'failed', 'cancelled'];
const ENDED_PURCHASES = ['stored', 'failed', 'canceled', 'aborted'];
const LIVE_OR_SUCCEEDED = ['starting', 'processing', 'succeeded'];
/** Somebody's word for another attempt: with it a clip that is there may be bought anew. */
const WORDS = ['decision', 'retry', 'regenerate'];
const EXAMPLES = 5;

/** Every figure of the evidence, in a fixed order. All of it must have come to rest, or the open ends are counted. */
export function figuresOf(evidence: Evidence): Figure[] {
  const { purchases, strays, jobs, predictions, clips } = evidence;
  const ofAttempt = new Map(purchases.map((purchase) => [purchase, predictionsOf(purchase, predictions)]));
  const known = new Set([...purchases, ...strays].map(({ providerId }) => providerId));
  const strayIds = new Set(strays.map(({ providerId }) => providerId));
  const atProvider = new Set(predictions.map(({ id }) => id));
  const purchaseOf = new Map(purchases.map((purchase) => [purchase.providerId, purchase]));
  const isStored = ({ id }: Prediction): boolean => {
    const purchase = purchaseOf.get(id);
    return purchase?.state === 'stored' && purchase.hasBlob;
  };
  const succeeded = predictions.filter(({ status }) => status === 'succeeded');
  const saidLost = new Set(
    clips.filter(({ errorCode }) => errorCode === 'OUTPUT_LOST').map(({ jobId, subject }) => `${jobId} ${subject}`),
  );
  const isSaidLost = ({ id }: Prediction): boolean => {
    const purchase = purchaseOf.get(id);
    if (purchase === undefined) return false;
    return purchase.errorCode === 'OUTPUT_LOST' || saidLost.has(`${purchase.jobId} ${purchase.subject}`);
  };
  const creates = [...ofAttempt].map(([purchase, found]) => ({ purchase, creates: found.length }));
  const spent = {
    ledger: sum([...purchases, ...strays].map(({ costUsd }) => costUsd ?? 0)),
    provider: sum(predictions.map(({ priceUsd }) => priceUsd)),
  };
  return [
    {
      ...figure('most creates for one (subject, attempt)', [], 1),
      ...most(
        creates.map(({ purchase, creates: value }) => ({ value, example: nameOf(purchase) })),
        1,
      ),
    },
    figure(
      'attempts with two predictions that live or succeeded',
      [...ofAttempt].filter(([, found]) => found.filter(isLiveOrSucceeded).length > 1).map(([one]) => nameOf(one)),
    ),
    figure('subjects that were bought again while they were bought', boughtAgain(purchases, predictions)),
    figure(
      'predictions unknown to the ledger',
      predictions.filter(({ id }) => !known.has(id)).map(({ id, status }) => `${id} (${status})`),
    ),
    figure(
      'predictions of the ledger unknown to the provider',
      [...known].filter((id) => id !== null && !atProvider.has(id)).map(String),
    ),
    figure(
      'outputs that the provider serves and that are not stored',
      succeeded
        .filter((one) => one.served && !isStored(one))
        .map(({ id }) => (strayIds.has(id) ? `${id} (a stray)` : `${id} of ${nameOf(purchaseOf.get(id))}`)),
    ),
    figure(
      'lost outputs of which no clip says OUTPUT_LOST',
      succeeded
        .filter((one) => !one.served && !isStored(one) && !strayIds.has(one.id) && !isSaidLost(one))
        .map(({ id }) => `${id} of ${nameOf(purchaseOf.get(id))}`),
    ),
    figure(
      'purchases that have not ended',
      purchases
        .filter(({ state, errorCode }) => !ENDED_PURCHASES.includes(state) && errorCode !== 'OUTPUT_LOST')
        .map((purchase) => `${nameOf(purchase)} (${purchase.state})`),
    ),
    figure(
      'jobs that have not ended',
      jobs.filter(({ status }) => !ENDED_JOBS.includes(status)).map(({ id, status }) => `${id} (${status})`),
    ),
    {
      ...figure('difference of the spend in ledger and provider, in USD', []),
      value: Math.abs(sum([spent.ledger, -spent.provider])),
      ok: Math.abs(sum([spent.ledger, -spent.provider])) === 0,
      examples: [`ledger ${spent.ledger}`, `provider ${spent.provider}`],
    },
  ];
}

/** How long purchases with a lost answer took to be found, in milliseconds. */
export interface Adoptions {
  count: number;
  medianMs: number;
  maxMs: number;
}

/**
 * From the right to post to the adoption. Left out are those during which a part was dead: `outages` are pairs of its
 * begin and end, in milliseconds since 1970.
 */
export function adoptionsOf(
  purchases: readonly Purchase[],
  outages: readonly (readonly [number, number])[] = [],
): Adoptions {
  const durations: number[] = [];
  for (const { postedAt, adoptedAt } of purchases) {
    if (postedAt === null || adoptedAt === null) continue;
    if (!outages.some(([begin, end]) => begin <= adoptedAt && end >= postedAt)) durations.push(adoptedAt - postedAt);
  }
  durations.sort((a, b) => a - b);
  const median = durations[Math.floor((durations.length - 1) / 2)];
  return { count: durations.length, medianMs: median ?? 0, maxMs: durations.at(-1) ?? 0 };
}

/** One line for each figure, for people. */
export function describeFigures(figures: readonly Figure[]): string {
  return figures
    .map(({ name, value, ok, examples }) => {
      const detail = !ok && examples.length > 0 ? `: ${examples.join(', ')}` : '';
      return `${ok ? 'ok   ' : 'WRONG'}  ${String(value).padStart(8)}  ${name}${detail}`;
    })
    .join('\n');
}

function figure(name: string, wrong: readonly string[], atMost = 0): Figure {
  return { name, value: wrong.length, atMost, ok: wrong.length <= atMost, examples: wrong.slice(0, EXAMPLES) };
}

function most(
  counted: readonly { value: number; example: string }[],
  atMost: number,
): Pick<Figure, 'value' | 'ok' | 'examples'> {
  const value = Math.max(0, ...counted.map((one) => one.value));
  const wrong = counted.filter((one) => one.value > atMost).map(({ example }) => example);
  return { value, ok: value <= atMost, examples: wrong.slice(0, EXAMPLES) };
}

const isLiveOrSucceeded = ({ status }: Prediction): boolean => LIVE_OR_SUCCEEDED.includes(status);

/** Every create leaves its fingerprint at the provider, whether or not its answer came back. */
function predictionsOf({ model, fingerprint }: Purchase, predictions: readonly Prediction[]): Prediction[] {
  return predictions.filter((one) => one.model === model && one.fingerprint === fingerprint);
}

/** Subjects with more successful predictions than words of somebody to buy them. */
function boughtAgain(purchases: readonly Purchase[], predictions: readonly Prediction[]): string[] {
  const subjects = new Map<string, { succeeded: number; words: number }>();
  for (const purchase of purchases) {
    const key = `${purchase.subject} of job ${purchase.jobId}`;
    const count = subjects.get(key) ?? { succeeded: 0, words: 1 };
    count.succeeded += predictionsOf(purchase, predictions).filter(({ status }) => status === 'succeeded').length;
    if (WORDS.includes(purchase.openedBy)) count.words += 1;
    subjects.set(key, count);
  }
  return [...subjects].filter(([, { succeeded, words }]) => succeeded > words).map(([key]) => key);
}

/** Money is counted in millionths, so that a sum has no rest. */
const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + Math.round(value * 1e6), 0) / 1e6;

const nameOf = (purchase: Purchase | undefined): string =>
  purchase === undefined ? 'no purchase' : `${purchase.subject} of job ${purchase.jobId}, attempt ${purchase.attempt}`;
