const MAX_PATH = 200;

/**
 * An address as messages and logs may show it. What stands before the host and behind the path may be somebody's
 * secret; of what is no http address only the scheme is told.
 */
export function shownAddress(url: URL): string {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `a ${url.protocol} address`;
  const { origin, pathname } = url;
  return origin + (pathname.length > MAX_PATH ? `${pathname.slice(0, MAX_PATH - 1)}…` : pathname);
}
