/** What is said of a body that names a row which is missing or another owner's: 404 is for the addressed resource. */
import { ReelwrightError } from '../domain/errors.js';

export const clientNotFound = (clientId: string): ReelwrightError =>
  new ReelwrightError('CLIENT_NOT_FOUND', `clientId: there is no client ${clientId}`, {
    details: { path: 'clientId', expected: 'a client of yours', seen: clientId },
  });

export const campaignNotFound = (campaignId: string): ReelwrightError =>
  new ReelwrightError('CAMPAIGN_NOT_FOUND', `campaignId: there is no campaign ${campaignId}`, {
    details: { path: 'campaignId', expected: 'a campaign of yours', seen: campaignId },
  });

export const assetNotFound = (path: string, assetId: string): ReelwrightError =>
  new ReelwrightError('ASSET_NOT_FOUND', `${path}: there is no asset ${assetId}`, {
    details: { path, expected: 'an image asset of yours', seen: assetId },
  });
