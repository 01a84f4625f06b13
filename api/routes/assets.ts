import { ReelwrightError } from '../../domain/errors.js';
import { type AssetRecord, findAsset, insertAsset, listAssets } from '../../storage/assets-repository.js';
import { sendData, sendList } from '../answers.js';
import { type ApiContext, ownerOf } from '../context.js';
import type { ApiDeps } from '../deps.js';
import { answerOnce } from '../idempotency.js';
import { API_PREFIX, defineRoute, type Route } from '../route.js';
import { assetDataQuery, assetJson, assetsQuery, assetWithLinkJson, uploadForm } from '../schemas/assets.schema.js';
import { idParams } from '../schemas/common.schema.js';
import { sendBlob } from '../send-blob.js';
import { tokenOf } from '../token.js';
import { fileNameFor } from '../uploads/content-types.js';
import { withUpload } from '../uploads/store-upload.js';
import { assetView, assetWithLinkView } from '../views/asset-views.js';

export function assetRoutes(deps: ApiDeps): Route[] {
  const { knex, blobs, assetLinks } = deps;
  return [
    defineRoute({
      method: 'post',
      path: `${API_PREFIX}/assets`,
      operation: 'uploadAsset',
      tag: 'Assets',
      summary: 'Upload a file',
      access: 'key',
      idempotent: true,
      rawBody: { contentType: 'multipart/form-data', schema: uploadForm },
      success: { status: 201, body: { kind: 'data', schema: assetWithLinkJson } },
      errors: [
        'MALFORMED_MULTIPART',
        'BODY_TOO_LARGE',
        'UNSUPPORTED_MEDIA_TYPE',
        'VALIDATION_FAILED',
        'CAMPAIGN_NOT_FOUND',
        'CLIENT_NOT_FOUND',
        'STORAGE_FULL',
        'NO_DISK_SPACE',
      ],
      async handle(ctx) {
        const ownerId = ownerOf(ctx);
        await withUpload(ctx, deps, (upload) =>
          answerOnce(ctx, deps, {
            fingerprint: () => upload.fingerprint(),
            prepare: () => upload.store(ownerId),
            async answer({ db }, stored) {
              const asset = await insertAsset(db, { ownerId, ...stored });
              const view = await assetWithLinkView(asset, assetLinks, ctx.state.now());
              sendData(ctx, view, { status: 201, location: `${API_PREFIX}/assets/${asset.id}` });
            },
          }),
        );
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/assets`,
      operation: 'listAssets',
      tag: 'Assets',
      summary: 'List assets, newest first',
      access: 'key',
      query: assetsQuery,
      success: { status: 200, body: { kind: 'list', schema: assetJson } },
      async handle(ctx, { query }) {
        const { rows, total } = await listAssets(knex, ownerOf(ctx), query, query);
        sendList(ctx, rows.map(assetView), { page: query.page, limit: query.limit, total });
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/assets/:id`,
      operation: 'getAsset',
      tag: 'Assets',
      summary: 'Get an asset, with a new temporary link to its bytes',
      access: 'key',
      params: idParams,
      success: { status: 200, body: { kind: 'data', schema: assetWithLinkJson } },
      async handle(ctx, { params }) {
        const asset = found(params.id, await findAsset(knex, params.id, ownerOf(ctx)));
        sendData(ctx, await assetWithLinkView(asset, assetLinks, ctx.state.now()));
      },
    }),
    defineRoute({
      method: 'get',
      path: `${API_PREFIX}/assets/:id/data`,
      operation: 'getAssetData',
      tag: 'Assets',
      summary: "Get an asset's bytes",
      access: 'key-or-token',
      params: idParams,
      query: assetDataQuery,
      success: { status: 200, body: { kind: 'bytes', contentType: '*/*' } },
      async handle(ctx, { params }) {
        const asset = await readable(ctx, params.id);
        await sendBlob(ctx, blobs, {
          blob: { id: asset.blobId, sha256: asset.sha256, size: asset.sizeBytes },
          contentType: asset.contentType,
          fileName: fileNameFor(asset.name, asset.contentType),
          lastModified: asset.createdAt,
          immutable: true,
          attachment: asset.type === 'document',
          sandboxed: true,
        });
      },
    }),
  ];

  /** A token opens its asset to whoever holds it; a key opens its owner's. */
  async function readable(ctx: ApiContext, id: string): Promise<AssetRecord> {
    const token = tokenOf(ctx);
    if (token === undefined) return found(id, await findAsset(knex, id, ownerOf(ctx)));
    await assetLinks.verify(token, id);
    return found(id, await findAsset(knex, id));
  }
}

function found(id: string, asset: AssetRecord | undefined): AssetRecord {
  if (asset === undefined) throw new ReelwrightError('NOT_FOUND', `there is no asset ${id}`);
  return asset;
}
