import Router from '@koa/router';
import { findModel, latestVersion } from '../models.js';
import type { Parts } from '../parts.js';
import { notFound } from '../problems.js';
import { OWNER } from '../upload-store.js';

/** Account, models and the webhook secret. */
export function createAccountRoutes(parts: Parts): Router {
  const router = new Router();

  router.get('/account', (context) => {
    context.body = { type: 'user', username: OWNER, name: 'Local Replicate' };
  });

  router.get('/webhooks/default/secret', (context) => {
    context.body = { key: parts.secrets.webhookKey };
  });

  router.get('/models/:owner/:name', (context) => {
    const model = findModel(`${context.params['owner']}/${context.params['name']}`);
    if (model === undefined) throw notFound();
    const [owner, name] = model.name.split('/');
    context.body = {
      url: `${parts.origin()}/${model.name}`,
      owner,
      name,
      description: model.description,
      visibility: 'public',
      is_official: model.official,
      github_url: null,
      paper_url: null,
      license_url: null,
      run_count: parts.predictions.all().filter((record) => record.model === model.name).length,
      cover_image_url: null,
      default_example: null,
      latest_version: {
        id: latestVersion(model),
        created_at: '2025-10-15T00:00:00.000Z',
        cog_version: null,
        openapi_schema: {
          openapi: '3.0.2',
          info: { title: 'Cog', version: '0.1.0' },
          paths: {},
          components: {
            schemas: { Input: model.input, Output: { type: 'string', title: 'Output', format: 'uri' } },
          },
        },
      },
    };
  });

  return router;
}
