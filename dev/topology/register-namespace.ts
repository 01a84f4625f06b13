/** The namespace and the search attributes, without which no job can start; harmless to repeat. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, isGrpcServiceError } from '@temporalio/client';
import proto from '@temporalio/proto';
import { SEARCH_ATTRIBUTES } from '../../domain/contract.js';

const ALREADY_EXISTS = 6;
const RETENTION_SECONDS = 30 * 24 * 3_600;
const PAUSE_MS = 250;
const TYPES = {
  KEYWORD: proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  KEYWORD_LIST: proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
  BOOL: proto.temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
} as const;

/** @param limitMs how long the server may take to answer, and to learn of the namespace */
export async function registerNamespace(address: string, namespace: string, limitMs = 60_000): Promise<void> {
  const end = performance.now() + limitMs;
  const connection = await Connection.connect({ address, connectTimeout: limitMs });
  try {
    await retried(end, () =>
      connection.workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: { seconds: RETENTION_SECONDS as never },
      }),
    );
    // The server learns of a new namespace some seconds after it was made.
    await retried(end, () =>
      connection.operatorService.addSearchAttributes({
        namespace,
        searchAttributes: Object.fromEntries(
          Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, TYPES[type]]),
        ),
      }),
    );
  } finally {
    await connection.close();
  }
}

async function retried(end: number, work: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (isGrpcServiceError(error) && error.code === ALREADY_EXISTS) return;
      if (performance.now() > end) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
