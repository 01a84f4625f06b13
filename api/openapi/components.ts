/** The named schemas of the contract, out of the schemas that validate requests and type answers. */
import { z } from 'zod';
import { clipsOrder, imagePairsOrder, jobOrder } from '../../domain/orders.schema.js';
import { clipChanges, clipDecision, jobAction } from '../schemas/actions.schema.js';
import { purchasingChange, purchasingJson } from '../schemas/admin.schema.js';
import { assetJson, assetWithLinkJson, uploadForm } from '../schemas/assets.schema.js';
import { batchJson, batchOrder, batchWithResultsJson } from '../schemas/batches.schema.js';
import { campaignChange, campaignJson, newCampaign } from '../schemas/campaigns.schema.js';
import { clientJson, newClient } from '../schemas/clients.schema.js';
import { errorAnswer, listMetaJson, metaJson } from '../schemas/envelope.schema.js';
import { clipJson, estimateJson, jobJson, subJobsJson } from '../schemas/jobs.schema.js';
import { ledgerJson } from '../schemas/ledger.schema.js';
import { endedSessionsJson, sessionJson } from '../schemas/sessions.schema.js';
import { newVideoLink, videoLinkJson } from '../schemas/video-links.schema.js';
import { predictionBody } from '../schemas/webhooks.schema.js';

export type JsonSchema = Record<string, unknown>;

const REQUESTS = {
  NewClient: newClient,
  NewCampaign: newCampaign,
  Upload: uploadForm,
  JobOrder: jobOrder,
  ClipsOrder: clipsOrder,
  ImagePairsOrder: imagePairsOrder,
  JobAction: jobAction,
  ClipChanges: clipChanges,
  ClipDecision: clipDecision,
  CampaignChange: campaignChange,
  PurchasingChange: purchasingChange,
  NewVideoLink: newVideoLink,
  BatchOrder: batchOrder,
  Prediction: predictionBody,
};

const ANSWERS = {
  Client: clientJson,
  Campaign: campaignJson,
  Asset: assetJson,
  AssetWithLink: assetWithLinkJson,
  Job: jobJson,
  Clip: clipJson,
  SubJobs: subJobsJson,
  Estimate: estimateJson,
  Ledger: ledgerJson,
  Purchasing: purchasingJson,
  VideoLink: videoLinkJson,
  Session: sessionJson,
  EndedSessions: endedSessionsJson,
  Batch: batchJson,
  BatchWithResults: batchWithResultsJson,
  Meta: metaJson,
  ListMeta: listMetaJson,
  Error: errorAnswer,
};

const PREFIX = '#/components/schemas/';
const names = new Map<z.ZodType, string>(
  [...Object.entries(REQUESTS), ...Object.entries(ANSWERS)].map(([name, schema]) => [schema, name]),
);

export const ref = (name: keyof typeof REQUESTS | keyof typeof ANSWERS): JsonSchema => ({ $ref: PREFIX + name });

/** A reference where the schema has a name, else the schema itself. */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const name = names.get(schema);
  return name === undefined ? bare(z.toJSONSchema(schema, { io })) : { $ref: PREFIX + name };
}

export function componentSchemas(): Record<string, JsonSchema> {
  return { ...named(REQUESTS, 'input'), ...named(ANSWERS, 'output') };
}

function named(schemas: Record<string, z.ZodType>, io: 'input' | 'output'): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const made = z.toJSONSchema(registry, { io, uri: (id) => PREFIX + id });
  return Object.fromEntries(Object.entries(made.schemas).map(([id, schema]) => [id, bare(schema)]));
}

/** Within a document of OpenAPI 3.1 the dialect is known and a schema's place is its id. */
function bare({ $schema: _dialect, $id: _place, ...schema }: JsonSchema): JsonSchema {
  return schema;
}
