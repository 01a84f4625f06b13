import type { Knex } from 'knex';
import type { GenerationInput } from '../domain/contract.js';
import { ReelwrightError } from '../domain/errors.js';
import { OPEN_PREDICTION_STATES } from '../domain/ledger.js';
import { roundUsd } from '../domain/models.js';
import { type JobRow, selectJobRow } from './jobs-repository.js';

/** What bounds the purchases of a job. Money is US dollars; null is no bound. */
export interface MoneyBounds {
  /** As it is under the locks. */
  job: JobRow;
  jobBudgetUsd: number | null;
  campaignBudgetUsd: number | null;
  dailyCapUsd: number | null;
  /** How many purchases the owner may have open at once; null for the deployment's own limit. */
  openPurchases: number | null;
  /** Whether purchasing is paused. */
  isPaused: boolean;
}

type Bounded = JobRow & Pick<MoneyBounds, 'dailyCapUsd' | 'openPurchases' | 'isPaused'>;

/**
 * Locks the rows that a purchase is decided under until the transaction ends: owner, job and campaign, everywhere in
 * this order, so that two purchases never wait for each other. Undefined without such a job.
 */
export async function lockMoney(trx: Knex, jobId: string): Promise<MoneyBounds | undefined> {
  // Weak enough for the foreign keys of new rows, strong enough against each other.
  const bounded: Bounded | undefined = await selectJobRow(trx)
    .join('owners as o', 'o.id', 'j.owner_id')
    .where('j.id', jobId)
    .forNoKeyUpdate('o', 'j')
    .first({
      dailyCapUsd: 'o.daily_cap_usd',
      openPurchases: 'o.open_purchases',
      isPaused: trx.raw('EXISTS (SELECT FROM purchasing_paused)') as never,
    });
  if (bounded === undefined) return undefined;
  const { dailyCapUsd, openPurchases, isPaused, ...job } = bounded;
  const campaign =
    job.campaignId === null
      ? undefined
      : await trx('campaigns').where({ id: job.campaignId }).forNoKeyUpdate().first({ budgetUsd: 'budget_usd' });
  const campaignBudgetUsd = campaign?.budgetUsd ?? null;
  return { job, jobBudgetUsd: job.budgetUsd, campaignBudgetUsd, dailyCapUsd, openPurchases, isPaused };
}

/**
 * Throws BUDGET_EXCEEDED where `estimateUsd` more would pass the budget of the job or of its campaign, or the owner's
 * cap of today (UTC). Counted is what was spent and what open purchases may cost, without those in `except`.
 */
export async function refuseOverBudget(
  trx: Knex,
  bounds: MoneyBounds,
  estimateUsd: number,
  except: readonly string[] = [],
): Promise<void> {
  const checks = [
    { what: 'the budget of the job', limit: bounds.jobBudgetUsd, where: { 'j.id': bounds.job.id }, today: false },
    {
      what: 'the budget of the campaign',
      limit: bounds.campaignBudgetUsd,
      where: { 'j.campaign_id': bounds.job.campaignId },
      today: false,
    },
    {
      what: "the owner's cap of the day",
      limit: bounds.dailyCapUsd,
      where: { 'j.owner_id': bounds.job.ownerId },
      today: true,
    },
  ];
  for (const { what, limit, where, today } of checks) {
    if (limit === null) continue;
    const committedUsd = await committed(trx, where, today, except);
    if (roundUsd(committedUsd + estimateUsd) <= limit) continue;
    throw new ReelwrightError(
      'BUDGET_EXCEEDED',
      `${what} is $${limit}: $${committedUsd} of it is spent or reserved, and this would cost $${roundUsd(estimateUsd)}`,
      { details: { limitUsd: limit, committedUsd, estimateUsd: roundUsd(estimateUsd) } },
    );
  }
}

/** The beginning of the day in UTC. */
const TODAY = `date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'`;

async function committed(
  trx: Knex,
  where: Record<string, string | null>,
  today: boolean,
  except: readonly string[],
): Promise<number> {
  const sum = async (joined: Knex.QueryBuilder): Promise<number> => {
    const [row]: { usd: number | null }[] = await joined
      .where(where)
      .modify((query) => (today ? void query.whereRaw(`x.created_at >= ${TODAY}`) : undefined))
      .sum({ usd: trx.raw('coalesce(x.cost_usd, x.estimate_usd)') });
    return row?.usd ?? 0;
  };
  const purchases = trx('predictions as x')
    .join('jobs as j', 'j.id', 'x.job_id')
    .whereNotIn('x.id', [...except]);
  const strays = trx('strays as x')
    .join('predictions as p', 'p.id', 'x.purchase_id')
    .join('jobs as j', 'j.id', 'p.job_id');
  return roundUsd((await sum(purchases)) + (await sum(strays)));
}

/**
 * Counts the open purchases of an owner, without those of one generation: posted and not ended, or about to be posted. An
 * attempt that was opened and that nobody works on yet is none.
 */
export const countOpenPurchases = (trx: Knex, ownerId: string, except: GenerationInput): Knex.QueryBuilder =>
  // From what is open to its jobs: the other way round each purchase would visit all jobs that its owner ever had.
  trx
    .withMaterialized('live', (query) =>
      query
        .from('predictions')
        .whereIn('state', [...OPEN_PREDICTION_STATES])
        .whereRaw(`(state <> 'intended' OR post_by > now())`)
        .whereRaw('(job_id, subject) <> (?, ?)', [except.jobId, except.subject])
        .select('job_id'),
    )
    .from('live')
    .join('jobs as j', 'j.id', 'live.job_id')
    .where('j.owner_id', ownerId)
    .count();
