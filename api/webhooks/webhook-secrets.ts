/** The secrets with which the provider signs its webhooks. */
export interface WebhookSecrets {
  /** Those accepted now. Rejects when none is known and the provider cannot be asked. */
  current(): Promise<readonly string[]>;
  /** Asks the provider anew, unless that was done a moment ago, and gives those accepted then. */
  refreshed(): Promise<readonly string[]>;
}

/** Secrets that do not change: for a deployment that names its own. */
export function fixedWebhookSecrets(secrets: readonly string[]): WebhookSecrets {
  return { current: () => Promise.resolve(secrets), refreshed: () => Promise.resolve(secrets) };
}

export interface FetchedSecretsOptions {
  /** The provider is not asked more often than this. Default 10,000. */
  refreshAfterMs?: number;
  /** How long the secret before the last change is still accepted. Default one hour. */
  keepPreviousMs?: number;
  /** Milliseconds since any fixed moment. Default: a monotonic clock. */
  now?: () => number;
}

/**
 * The provider's secret, asked for on first use and again when a signature does not fit. After a change the secret
 * before it is accepted for a while, for what was signed before.
 */
export function fetchedWebhookSecrets(
  fetchSecret: () => Promise<string>,
  { refreshAfterMs = 10_000, keepPreviousMs = 3_600_000, now = () => performance.now() }: FetchedSecretsOptions = {},
): WebhookSecrets {
  let latest: string | undefined;
  let previous: { secret: string; until: number } | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  const ask = async (): Promise<void> => {
    askedAt = now();
    const secret = await fetchSecret();
    if (latest !== undefined && latest !== secret) previous = { secret: latest, until: now() + keepPreviousMs };
    latest = secret;
  };
  const askOnce = (): Promise<void> => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
  const accepted = (): string[] => [
    ...(latest === undefined ? [] : [latest]),
    ...(previous === undefined || previous.until < now() ? [] : [previous.secret]),
  ];
  return {
    async current() {
      if (latest === undefined) await askOnce();
      return accepted();
    },
    async refreshed() {
      if (asking !== undefined || now() - askedAt >= refreshAfterMs) await askOnce();
      return accepted();
    },
  };
}
