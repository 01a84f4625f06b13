/** What somebody can do about each error: the one place for it, read by workflows' failures, the api and alerts. */
import type { FailureInfo } from './contract.js';
import type { ErrorCode } from './errors.js';

const REQUEST = 'Mend the request as the message says, and send it again.';
const ORDER_ANEW = 'Order the job anew with what the message names put right.';
const RETRY = 'Retry the job; what is stored is kept and not bought again.';
const BY_ITSELF = 'Nothing: it is tried again by itself.';

/** One sentence or two for each code, addressed to whoever runs the service; they end with a full stop. */
export const REMEDIES: Readonly<Record<ErrorCode, string>> = {
  MALFORMED_JSON: REQUEST,
  MALFORMED_MULTIPART: REQUEST,
  UNAUTHENTICATED: 'Send a key that is valid: `npm run keys -- list` shows them.',
  INVALID_SIGNATURE: 'Compare the secret of the webhooks with the provider’s.',
  FORBIDDEN: 'Use an admin key.',
  NOT_FOUND: 'See whether the row that the message names was deleted; without it, order anew.',
  METHOD_NOT_ALLOWED: REQUEST,
  WRONG_STATE:
    'Look at the state of the job: it was cancelled, it has ended, or a later run is at work. Nothing is lost by it.',
  IDEMPOTENCY_KEY_IN_USE: 'Wait for the first request with this key, then send it again.',
  PRECONDITION_FAILED: REQUEST,
  BODY_TOO_LARGE: REQUEST,
  UNSUPPORTED_MEDIA_TYPE: REQUEST,
  RANGE_NOT_SATISFIABLE: REQUEST,
  VALIDATION_FAILED: 'Correct the field that the message names, and try again.',
  NOT_YET_SUPPORTED: 'Leave out what the message names.',
  ASSET_NOT_FOUND: 'Upload the image again and retry with its id.',
  CAMPAIGN_NOT_FOUND: ORDER_ANEW,
  CLIENT_NOT_FOUND: ORDER_ANEW,
  VIDEO_NOT_FOUND: 'Wait until every video that is to be combined is completed, and ask again.',
  NOT_ENOUGH_IMAGES: 'Upload more images of the kind that the message names, and order anew.',
  IDEMPOTENCY_KEY_REUSED: 'Send another request under a key of its own.',
  URL_REFUSED: 'Give the image another address that is in public reach, or upload it.',
  IMAGE_NOT_FETCHED: 'See whether the address opens and is an image; give another one, or upload the image.',
  IMAGE_UNREACHABLE: 'See whether the server of the image, or PUBLIC_URL, is in reach; then retry.',

  PROVIDER_REJECTED_INPUT:
    'Retry the clip with another model or without what the message names; compare the catalogue with the model’s page.',
  PROVIDER_REFUSED_CONTENT:
    'Retry the clip with another prompt or image, or skip it; of a job that has failed, retry the job, or order it anew. ' +
    'The same again sometimes passes.',
  PROVIDER_ACCOUNT: 'Mend the account at the provider (token, credit, permission); purchases then go on by themselves.',
  PROVIDER_RATE_LIMITED: 'Nothing: it waits as long as the provider asks. If it lasts, lower CREATES_PER_MINUTE.',
  PROVIDER_UNAVAILABLE: 'Nothing: it is tried again until the provider answers.',
  PROVIDER_NOT_FOUND: 'Compare the model’s name in the catalogue with the provider’s, and the account of the token.',
  PROVIDER_INPUT_UNREADABLE:
    'See whether PUBLIC_URL is in reach from outside and SECRET_KEY is the same for all processes; then retry the clip.',
  PROVIDER_FAULT: 'Retry the clip later: three attempts failed at the provider itself.',
  PREDICTION_FAILED: 'Retry the clip, perhaps with another prompt or model.',
  PREDICTION_CANCELED: 'Retry, unless somebody cancelled it on purpose.',
  PREDICTION_ABORTED: 'Retry the clip later: the provider gave up before it began.',

  PURCHASE_PENDING: BY_ITSELF,
  PURCHASE_UNKNOWN:
    'Look at the provider’s site for the predictions that the message names, then retry the clip (bought anew) or skip it.',
  PURCHASE_LIMIT: 'Nothing: it follows when others of its owner have ended. `npm run keys -- limits` raises the limit.',
  PURCHASING_PAUSED: 'Find out why purchasing was paused, then resume it.',
  LEDGER_BEHIND: 'Run `npm run reconcile -- --since TIME`, with the time of the backup.',
  BUDGET_EXCEEDED: 'Raise the budget that the message names, then retry; or skip the clip.',

  OUTPUT_UNREACHABLE: BY_ITSELF,
  OUTPUT_BROKEN: BY_ITSELF,
  OUTPUT_LOST: 'Ask the provider for the output of this prediction, or retry the clip, which costs once more.',
  OUTPUT_HOST_REFUSED: 'See whether the provider serves its outputs from a new host; then retry the clip.',

  NO_CLIPS: 'Retry the job: every clip that was skipped is bought anew. Change what was refused, or order anew.',
  NO_MUSIC: 'Retry the job: its music is bought anew.',
  WORKFLOW_ENDED: RETRY,

  MEDIA_UNREADABLE: 'Make the clip that the message names again, or skip it; then retry the job.',
  FFMPEG_FAILED: 'See the disk and the memory of the media worker and the last words of ffmpeg; then retry.',
  NO_DISK_SPACE: 'Make room on the disk that the message names; then retry.',
  CUT_WRONG: 'Retry. If it happens again, keep its clips and report it: the cut was thrown away.',
  EXPORT_WRONG: 'Ask for it anew. If it happens again, report it: the result was thrown away.',
  ENCODER_MISSING: 'Install an ffmpeg with libvpx-vp9 and libopus on the media workers, and ask for it anew.',

  NOT_READY: 'See /health/ready for the part that is missing.',
  DATABASE_TOO_NEW: 'Run the release that the database belongs to.',
  STORAGE_FULL:
    'Make room in the store: raise BLOB_STORE_MAX_BYTES, keep media for fewer days or delete jobs; then retry the job.',
  MEDIA_DELETED: 'Order the job anew: its media were kept as long as was asked for.',
  SELF_TEST_FAILED: "Open the job that the message names and follow its own page: customers' orders may fare the same.",
  INTERNAL: 'Look at the stack trace of the failed activity and at the log of its worker; then retry.',
};

/** E.g. `NO_CLIPS: every clip was skipped. What to do: Retry the job...` */
export const withRemedy = ({ code, message }: FailureInfo): string =>
  `${code}: ${message.replace(/[.\s]+$/, '')}. What to do: ${REMEDIES[code]}`;
