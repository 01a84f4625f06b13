/** The activities by the task queue they run on. */
import type {
  BatchActivities,
  BuyingActivities,
  MediaActivities,
  OutputActivities,
  ProviderActivities,
  RenditionActivities,
  RowActivities,
  SelfTestActivities,
  StoreActivities,
} from '../domain/activity-contract.js';
import { createBatchActivities } from './batches.js';
import { createBuy } from './buy.js';
import { createCollectOutput } from './collect-output.js';
import { createCutVideo } from './cut-video.js';
import { createDecideClip } from './decide-clip.js';
import type { ActivityDeps } from './deps.js';
import { createEndRendition } from './end-renditions.js';
import { createEndGeneration } from './generation-rows.js';
import { createJobRowActivities } from './job-rows.js';
import { createMakeCombination } from './make-combination.js';
import { createMakeExport } from './make-export.js';
import { createMakePoster } from './make-poster.js';
import { createMakePreviews } from './make-previews.js';
import { createOperate } from './operate.js';
import { createProviderActivities } from './provider-activities.js';
import { createReconcile } from './reconcile.js';
import type { ReconcileDeps } from './reconcile-deps.js';
import { createSelfTestActivities } from './self-test.js';
import { createResolvePurchase } from './settle-purchase.js';
import { createStoreActivities } from './sweep-store.js';

export function createLightActivities(
  deps: ReconcileDeps,
): RowActivities & ProviderActivities & BatchActivities & SelfTestActivities & StoreActivities {
  return {
    ...createJobRowActivities(deps),
    ...createProviderActivities(deps),
    endGeneration: createEndGeneration(deps),
    endRendition: createEndRendition(deps),
    decideClip: createDecideClip(deps),
    operate: createOperate(deps),
    resolvePurchase: createResolvePurchase(deps),
    reconcileLedger: createReconcile(deps),
    ...createBatchActivities(deps),
    ...createSelfTestActivities(deps),
    ...createStoreActivities(deps),
  };
}

export function createBuyingActivities(deps: ActivityDeps): BuyingActivities {
  return { buy: createBuy(deps) };
}

export function createOutputActivities(deps: ActivityDeps): OutputActivities {
  return { collectOutput: createCollectOutput(deps) };
}

export function createMediaActivities(deps: ActivityDeps): MediaActivities {
  return {
    cutVideo: createCutVideo(deps),
    makePoster: createMakePoster(deps),
    makePreviews: createMakePreviews(deps),
  };
}

export function createRenditionActivities(deps: ActivityDeps): RenditionActivities {
  return { makeExport: createMakeExport(deps), makeCombination: createMakeCombination(deps) };
}
