import { randomBytes, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { ReelwrightError } from '../domain/errors.js';
import { isFinalStatus } from '../domain/ledger.js';
import type { CreateRequest, CreateResult, Prediction, VideoProvider } from './video-provider.js';

/** A provider in memory: what the port's contract says, and what a test tells it to do. */
export interface FakeProvider extends VideoProvider {
  /** Every prediction ever made, the oldest first. */
  readonly made: readonly Prediction[];
  /** Ends a prediction; a success has an output with the given bytes. */
  finish(id: string, end: { status: 'succeeded'; output: Uint8Array } | { status: 'failed'; error: string }): void;
  /** Runs instead of the next create's answer: it may wait, and its result is what the caller gets. */
  answerNextWith(answer: (made: () => Prediction, request: CreateRequest) => Promise<CreateResult>): void;
}

export function createFakeProvider(): FakeProvider {
  const made: Prediction[] = [];
  const outputs = new Map<string, Uint8Array>();
  const secret = `whsec_${randomBytes(24).toString('base64')}`;
  const answers: ((made: () => Prediction, request: CreateRequest) => Promise<CreateResult>)[] = [];

  const find = (id: string): Prediction => {
    const prediction = made.find((one) => one.id === id);
    if (prediction !== undefined) return prediction;
    throw new ReelwrightError('PROVIDER_NOT_FOUND', `expected a prediction, there is none with id ${id}`);
  };

  return {
    made,
    async create(request) {
      const make = (): Prediction => {
        const prediction = newPrediction(request);
        made.push(prediction);
        return prediction;
      };
      const answer = answers.shift();
      return answer === undefined ? { kind: 'created', prediction: { ...make() } } : await answer(make, request);
    },
    async get(id) {
      return { ...find(id) };
    },
    async cancel(id) {
      const prediction = find(id);
      if (!isFinalStatus(prediction.status)) {
        Object.assign(prediction, { status: 'canceled', completedAt: new Date() });
      }
      return { ...prediction };
    },
    async *list({ createdAfter }) {
      for (const prediction of made.toReversed()) if (prediction.createdAt >= createdAfter) yield { ...prediction };
    },
    async uploadFile() {
      const id = randomUUID();
      return { id, url: `https://api.replicate.com/v1/files/${id}`, expiresAt: new Date(Date.now() + 3_600_000) };
    },
    async webhookSecret() {
      return secret;
    },
    async openOutput(url) {
      const bytes = outputs.get(url);
      if (bytes === undefined) throw new ReelwrightError('OUTPUT_LOST', `the output's link is dead: ${url}`);
      return { body: Readable.from([bytes]), contentLength: bytes.byteLength };
    },
    finish(id, end) {
      const prediction = find(id);
      prediction.completedAt = new Date();
      prediction.status = end.status;
      if (end.status === 'failed') prediction.error = end.error;
      else {
        const url = `https://replicate.delivery/${id}/output.mp4`;
        outputs.set(url, end.output);
        prediction.outputUrls = [url];
      }
    },
    answerNextWith(answer) {
      answers.push(answer);
    },
  };
}

function newPrediction({ model, input }: CreateRequest): Prediction {
  const now = new Date();
  return {
    id: randomBytes(13).toString('hex'),
    model,
    status: 'starting',
    input,
    outputUrls: [],
    error: null,
    dataRemoved: false,
    createdAt: now,
    startedAt: now,
    completedAt: null,
    metrics: {},
  };
}
