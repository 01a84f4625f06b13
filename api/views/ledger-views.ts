import { OPEN_PREDICTION_STATES, type PredictionState } from '../../domain/ledger.js';
import { roundUsd } from '../../domain/models.js';
import type { LedgerRow } from '../../storage/ledger.js';
import type { StrayRecord } from '../../storage/strays.js';
import type { LedgerJson, PurchaseJson, StrayJson } from '../schemas/ledger.schema.js';

export function ledgerView(purchases: readonly LedgerRow[], strays: readonly StrayRecord[]): LedgerJson {
  const all = [...purchases, ...strays];
  return {
    purchases: purchases.map(purchaseView),
    strays: strays.map(strayView),
    totals: {
      reservedUsd: sum(all.map(({ costUsd, estimateUsd }) => (costUsd === null ? estimateUsd : 0))),
      spentUsd: sum(all.map(({ costUsd }) => costUsd ?? 0)),
      openPurchases: purchases.filter(({ state }) => isOpen(state)).length,
    },
  };
}

const purchaseView = (purchase: LedgerRow): PurchaseJson => ({
  subject: purchase.subject,
  attempt: purchase.attempt,
  model: purchase.model,
  state: purchase.state,
  providerId: purchase.providerId,
  openedBy: purchase.openedBy,
  estimateUsd: purchase.estimateUsd,
  costUsd: purchase.costUsd,
  error: purchase.error,
  adoptedFrom: purchase.adoptedFrom,
  createdAt: purchase.createdAt.toISOString(),
  postedAt: time(purchase.postedAt),
  knownAt: time(purchase.knownAt),
  settledAt: time(purchase.settledAt),
  storedAt: time(purchase.storedAt),
});

const strayView = (stray: StrayRecord): StrayJson => ({
  providerId: stray.providerId,
  subject: stray.subject,
  model: stray.model,
  status: stray.status,
  estimateUsd: stray.estimateUsd,
  costUsd: stray.costUsd,
  reason: stray.reason,
  createdAt: stray.createdAt.toISOString(),
  foundAt: stray.foundAt.toISOString(),
  settledAt: time(stray.settledAt),
});

const time = (date: Date | null): string | null => date?.toISOString() ?? null;

const sum = (amounts: readonly number[]): number => roundUsd(amounts.reduce((total, amount) => total + amount, 0));

const isOpen = (state: PredictionState): boolean =>
  (OPEN_PREDICTION_STATES as readonly PredictionState[]).includes(state);
