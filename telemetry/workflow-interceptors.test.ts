import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultPayloadConverter } from '@temporalio/common';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { type InjectedSinks, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import '../test/support/quiet-runtime.js';
import { bundleWorkflows } from '../worker/bundle.js';
import { type SpanSinks, TRACE_HEADER, type WorkflowSpan } from './workflow-spans.js';

const FOLDER = fileURLToPath(new URL('../test/histories', import.meta.url));
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';

interface Recorded {
  events: { workflowExecutionStartedEventAttributes?: { header?: { fields?: Record<string, unknown> } } }[];
}

let folder: string;
let codePath: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelwright-test-traced-'));
  codePath = join(folder, 'workflows.js');
  await writeFile(codePath, (await bundleWorkflows({ traced: true })).code);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const files = (await readdir(FOLDER, { recursive: true })).filter((file) => file.endsWith('.json'));

/** Replays a recorded history with the interceptors, and gives the spans that they made. */
async function replay(file: string, traceparent: string | undefined): Promise<WorkflowSpan[]> {
  const recorded = JSON.parse(await readFile(join(FOLDER, file), 'utf8')) as Recorded;
  const started = recorded.events[0]?.workflowExecutionStartedEventAttributes;
  if (started === undefined) throw new Error(`expected ${file} to begin with a start`);
  if (traceparent !== undefined) {
    const { metadata, data } = defaultPayloadConverter.toPayload({ traceparent });
    const base64 = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('base64');
    const payload = { metadata: { encoding: base64(metadata?.['encoding']) }, data: base64(data) };
    started.header = { fields: { ...started.header?.fields, [TRACE_HEADER]: payload } };
  }
  const spans: WorkflowSpan[] = [];
  const sinks: InjectedSinks<SpanSinks> = {
    spans: { end: { fn: (_info, span) => void spans.push(span), callDuringReplay: true } },
  };
  await Worker.runReplayHistory({ workflowBundle: { codePath }, sinks }, historyFromJSON(recorded), 'a-workflow');
  return spans;
}

describe('workflows with the interceptors of traces', () => {
  it.each(files)('replay %s, which was recorded without them', async (file) => {
    expect(await replay(file, undefined)).toEqual([]);
    const spans = await replay(file, `00-${TRACE_ID}-${PARENT}-01`);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]));
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
  });

  it('give each span the same id in every replay, below the workflow’s own', async () => {
    const file = 'completed-by-webhook/video-job-clip-01.json';
    const spans = await replay(file, `00-${TRACE_ID}-${PARENT}-01`);
    expect(await replay(file, `00-${TRACE_ID}-${PARENT}-01`)).toEqual(spans);
    const run = spans.find(({ name }) => name === 'RunWorkflow:generation');
    expect(run?.parentSpanId).toBe(PARENT);
    const below = spans.filter(({ parentSpanId }) => parentSpanId === run?.spanId).map(({ name }) => name);
    expect(below).toEqual(expect.arrayContaining(['StartActivity:buy', 'StartActivity:collectOutput']));
  });

  it('make no spans in a trace that is not recorded', async () => {
    expect(await replay('completed-by-webhook/video-job-clip-01.json', `00-${TRACE_ID}-${PARENT}-00`)).toEqual([]);
  });
});
