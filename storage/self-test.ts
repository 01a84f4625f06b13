/** The order of our own: whose it is, and that one run of the self-test places one. */
import type { Knex } from 'knex';
import { v7 as uuidv7 } from 'uuid';
import { clipPriceUsd, roundUsd } from '../domain/models.js';
import { clipsOrder } from '../domain/orders.schema.js';
import { insertJob } from './insert-job.js';
import { planClips } from './plan-clips.js';

/** Reserved: whoever makes a key for this owner sees its orders. */
export const SELF_TEST_OWNER = 'self-test';
/** Some nights' worth, so that a run that is repeated by hand is not refused. US dollars. */
const DAILY_CAP_USD = 2;

export const SELF_TEST_SECONDS = 4;

/**
 * Stores the order of this run of the workflow, unless that was done before, and gives the job's id. The caller starts
 * the job's run after the commit.
 */
export async function placeSelfTestOrder(knex: Knex, workflowRunId: string): Promise<string> {
  return await knex.transaction(async (trx) => {
    const owner = { id: uuidv7(), name: SELF_TEST_OWNER, daily_cap_usd: DAILY_CAP_USD };
    await trx('owners').insert(owner).onConflict('name').ignore();
    // Two attempts at once would both find none.
    const { id: ownerId }: { id: string } = await trx('owners')
      .where({ name: SELF_TEST_OWNER })
      .forNoKeyUpdate()
      .first('id');
    const placed: { id: string } | undefined = await trx('jobs')
      .where({ owner_id: ownerId })
      .whereRaw(`metadata->>'selfTestRun' = ?`, [workflowRunId])
      .first('id');
    if (placed !== undefined) return placed.id;
    const id = uuidv7();
    const order = clipsOrder.parse({
      kind: 'clips',
      name: 'The self-test of the night',
      clips: [{ prompt: 'A calm sea at dusk, one slow camera move', durationSeconds: SELF_TEST_SECONDS }],
      onClipFailure: 'fail',
      metadata: { selfTestRun: workflowRunId },
    });
    const clips = planClips(order);
    const prices = clips.map((clip) => clipPriceUsd({ ...clip, generateAudio: order.generateAudio }));
    const estimatedCostUsd = roundUsd(prices.reduce((sum, price) => sum + price, 0));
    const name = order.name ?? SELF_TEST_OWNER;
    await insertJob(trx, { id, ownerId, name, order, estimatedCostUsd, warnings: [], clips });
    return id;
  });
}
