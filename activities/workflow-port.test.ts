import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { SettleInput } from '../domain/contract.js';
import { createWorkflowPort, type WorkflowPort } from './workflow-port.js';

let connection: Connection;
let client: Client;
let port: WorkflowPort;
/** Nobody polls it: what is started stays where its start put it. */
const taskQueue = `test-${randomUUID()}`;
beforeAll(async () => {
  const { address, namespace } = inject('temporal');
  connection = await Connection.connect({ address });
  client = new Client({ connection, namespace });
  port = createWorkflowPort(client, { taskQueue });
});
afterAll(() => connection.close());

const input = (): SettleInput => ({ jobId: randomUUID(), subject: 'clip:1', purchaseId: randomUUID() });
const pendingCancel = async (workflowId: string): Promise<boolean> => {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).some((event) => event.workflowExecutionCancelRequestedEventAttributes != null);
};

describe('the port to the workflows', () => {
  test('tells a workflow that runs from one that is closed and one that never was', async () => {
    const workflowId = `settle-${randomUUID()}`;
    expect(await port.describe(workflowId)).toBe('missing');
    await port.startSettlement(input(), workflowId);
    expect(await port.describe(workflowId)).toBe('running');
    await client.workflow.getHandle(workflowId).terminate();
    expect(await port.describe(workflowId)).toBe('closed');
  });

  test('starts one settlement while it runs, and another once it is over', async () => {
    const workflowId = `settle-${randomUUID()}`;
    const handle = client.workflow.getHandle(workflowId);
    await port.startSettlement(input(), workflowId);
    const first = await handle.describe();
    expect(first).toMatchObject({ type: 'settle', taskQueue });
    await port.startSettlement(input(), workflowId);
    expect((await handle.describe()).runId).toBe(first.runId);
    await handle.terminate();
    await port.startSettlement(input(), workflowId);
    const second = await handle.describe();
    expect([second.runId === first.runId, second.status.name]).toEqual([false, 'RUNNING']);
  });

  test('asks a running workflow to cancel, and leaves one that is gone alone', async () => {
    const workflowId = `settle-${randomUUID()}`;
    await port.cancel(workflowId);
    await port.startSettlement(input(), workflowId);
    await port.cancel(workflowId);
    expect(await pendingCancel(workflowId)).toBe(true);
    await client.workflow.getHandle(workflowId).terminate();
    await port.cancel(workflowId);
  });
});
