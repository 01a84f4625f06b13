import Koa from 'koa';
import { type BackgroundTasks, createBackgroundTasks } from './background-tasks.js';
import type { ApiState } from './context.js';
import type { ApiDeps } from './deps.js';
import { drainRefusedBody } from './middleware/drain-refused-body.js';
import { errorHandler } from './middleware/error-handler.js';
import { fallback } from './middleware/fallback.js';
import { observeRequest } from './middleware/observe-request.js';
import { rememberAnswers } from './middleware/remember-answers.js';
import { requestContext } from './middleware/request-context.js';
import { mountRoutes } from './mount-routes.js';
import { type OpenApiDocument, openApiDocument } from './openapi/document.js';
import type { Route } from './route.js';
import { adminRoutes } from './routes/admin.js';
import { assetRoutes } from './routes/assets.js';
import { batchRoutes } from './routes/batches.js';
import { campaignRoutes } from './routes/campaigns.js';
import { clientRoutes } from './routes/clients.js';
import { clipDecisionRoutes } from './routes/clip-decisions.js';
import { combinedVideoRoutes } from './routes/combined-videos.js';
import { contractRoutes } from './routes/contract.js';
import { cutPlanRoutes } from './routes/cut-plans.js';
import { deletionRoutes } from './routes/deletions.js';
import { exportRoutes } from './routes/exports.js';
import { healthRoutes } from './routes/health.js';
import { jobActionRoutes } from './routes/job-actions.js';
import { jobRoutes } from './routes/jobs.js';
import { ledgerRoutes } from './routes/ledger.js';
import { musicRoutes } from './routes/music.js';
import { sessionRoutes } from './routes/sessions.js';
import { storageRoutes } from './routes/storage.js';
import { videoLinkRoutes } from './routes/video-links.js';
import { videoPreviewRoutes } from './routes/video-previews.js';
import { videoRoutes } from './routes/videos.js';
import { watchRoutes } from './routes/watch.js';
import { webhookRoutes } from './routes/webhooks.js';

const DEFAULT_MAX_DRAIN_BYTES = 64 * 1024 * 1024;

export interface Api {
  app: Koa<ApiState>;
  routes: readonly Route[];
  /** Resolves when no work goes on that outlived its request. */
  idle(): Promise<void>;
}

/** The whole api over what it is given; listens to nothing by itself (`serve`). */
export function createApp(deps: ApiDeps): Api {
  const background = createBackgroundTasks();
  const routes = allRoutes(deps, background);
  const router = mountRoutes(routes, deps);
  const app = new Koa<ApiState>();
  app
    .use(observeRequest)
    .use(requestContext(deps))
    .use(drainRefusedBody(deps.config.maxDrainBytes ?? DEFAULT_MAX_DRAIN_BYTES))
    .use(errorHandler)
    .use(fallback)
    .use(rememberAnswers(deps))
    .use(router.routes())
    .use(router.allowedMethods());
  // What is left for Koa's own handler: a connection that broke after its answer was ready.
  app.on('error', (err: unknown) => deps.logger.debug({ err }, 'a connection broke'));
  return { app, routes, idle: () => background.idle() };
}

function allRoutes(deps: ApiDeps, background: BackgroundTasks): Route[] {
  let document: OpenApiDocument | undefined;
  const routes: Route[] = [
    ...clientRoutes(deps),
    ...campaignRoutes(deps),
    ...assetRoutes(deps),
    ...jobRoutes(deps),
    ...jobActionRoutes(deps),
    ...clipDecisionRoutes(deps),
    ...ledgerRoutes(deps),
    ...cutPlanRoutes(deps),
    ...videoRoutes(deps),
    ...videoPreviewRoutes(deps),
    ...videoLinkRoutes(deps),
    ...watchRoutes(deps),
    ...exportRoutes(deps),
    ...combinedVideoRoutes(deps),
    ...musicRoutes(deps),
    ...deletionRoutes(deps),
    ...webhookRoutes(deps, background),
    ...sessionRoutes(deps),
    ...adminRoutes(deps),
    ...batchRoutes(deps),
    ...storageRoutes(deps),
    ...healthRoutes(deps),
    ...contractRoutes(() => (document ??= openApiDocument(routes))),
  ];
  return routes;
}
