export type AllowedHosts = (url: URL) => boolean;

/**
 * Which addresses are used although they are not public. Each entry is `host` (any port) or `host:port`; a name stands
 * for itself alone and not for what is below it. Throws TypeError for an entry that is neither.
 */
export function allowedHosts(entries: readonly string[]): AllowedHosts {
  const allowed = new Set(entries.map(canonical));
  return (url) => allowed.has(url.hostname) || allowed.has(`${url.hostname}:${portOf(url)}`);
}

function canonical(entry: string): string {
  const url = URL.canParse(`http://${entry}`) ? new URL(`http://${entry}`) : undefined;
  if (url === undefined || /[/?#@*]/.test(entry)) {
    throw new TypeError(`expected host or host:port, got ${JSON.stringify(entry)}`);
  }
  return /:\d+$/.test(entry) && !entry.endsWith(']') ? `${url.hostname}:${portOf(url)}` : url.hostname;
}

const portOf = (url: URL): string => url.port || (url.protocol === 'https:' ? '443' : '80');
