/** Which addresses that callers name are used: those in public reach, judged again when the connection is made. */
import { lookup as systemLookup } from 'node:dns';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP, isIPv4, type LookupFunction } from 'node:net';
import { useAgent } from 'request-filtering-agent';
import { ReelwrightError } from '../domain/errors.js';
import { allowedHosts } from './allowed-hosts.js';
import { whyNotPublic } from './public-address.js';
import { resolveName } from './resolve-name.js';
import { shownAddress } from './shown-address.js';

export interface AddressGuardOptions {
  /** Addresses that are used although they are not public, each `host` or `host:port`. Default: none. */
  allowed?: readonly string[];
  /** How names are resolved. Default: as the system does. */
  lookup?: LookupFunction;
}

export interface CheckOptions {
  /** How long the name may take to be resolved, in milliseconds. */
  timeLimitMs: number;
}

/** All methods throw URL_REFUSED, which says what was expected and what was seen, and tells no query and no password. */
export interface AddressGuard {
  /** Judges what the text alone shows: scheme, credentials, a literal IP address. */
  parseAddress(text: string): URL;
  /** Judges also what the name resolves to now: every one of its addresses must be public. */
  checkAddress(text: string, options: CheckOptions): Promise<URL>;
  /**
   * An agent for one request to a parsed address. It judges the addresses that it is about to connect to, so that a name
   * cannot resolve to one thing when it is checked and to another when it is used. It does not follow redirects: each
   * target is parsed and gets an agent of its own.
   */
  agentFor(url: URL): HttpAgent;
}

/** Throws TypeError for an entry of `allowed` that is neither `host` nor `host:port`. */
export function createAddressGuard(options: AddressGuardOptions = {}): AddressGuard {
  const { lookup = systemLookup as LookupFunction } = options;
  const isAllowed = allowedHosts(options.allowed ?? []);

  function parseAddress(text: string): URL {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined) throw refused(PUBLIC, 'something that is not an address');
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refused(PUBLIC, shownAddress(url));
    if (url.username !== '' || url.password !== '') {
      throw refused('an address without user name and password', `${shownAddress(url)} with one`);
    }
    refuseOddSpelling(text, url);
    const why = isAllowed(url) ? undefined : literalProblem(url);
    if (why !== undefined) throw refused(PUBLIC, `${shownAddress(url)}, which is ${why}`);
    return url;
  }

  return {
    parseAddress,

    async checkAddress(text, { timeLimitMs }) {
      const url = parseAddress(text);
      if (isIP(unbracketed(url)) !== 0) return url;
      const addresses = await resolveName(lookup, url.hostname, timeLimitMs);
      if (addresses.length === 0) {
        throw refused(PUBLIC, `${shownAddress(url)}, whose name does not resolve`);
      }
      const problem = isAllowed(url) ? undefined : namedProblem(url.hostname, addresses);
      if (problem !== undefined) throw problem;
      return url;
    },

    agentFor(url) {
      if (!isAllowed(url)) return useAgent(url.href, { lookup: publicOnly(lookup) });
      return url.protocol === 'https:' ? new HttpsAgent({ lookup }) : new HttpAgent({ lookup });
    },
  };
}

const PUBLIC = 'an http or https address in public reach';

const refused = (expected: string, seen: string): ReelwrightError =>
  new ReelwrightError('URL_REFUSED', `expected ${expected}, got ${seen}`, { details: { expected, seen } });

/** Without the brackets that an IPv6 address wears in a URL. */
const unbracketed = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

function literalProblem(url: URL): string | undefined {
  const host = unbracketed(url);
  return isIP(host) === 0 ? undefined : whyNotPublic(host);
}

/** A name's addresses are not told: they would draw a map of our network. */
function namedProblem(name: string, addresses: readonly string[]): ReelwrightError | undefined {
  const why = addresses.map(whyNotPublic).find((reason) => reason !== undefined);
  return why === undefined ? undefined : refused(PUBLIC, `${name}, which resolves to an address that is ${why}`);
}

/** `0x7f.1` and `2130706433` are IP addresses too: whoever writes them so wants them to be taken for something else. */
function refuseOddSpelling(text: string, url: URL): void {
  if (!isIPv4(url.hostname)) return;
  const written = /^[a-z]+:[/\\]*([^/\\?#:]*)/i.exec(text.replace(/[\t\n\r]/g, '').trim())?.[1];
  if (written !== url.hostname) throw refused('an IP address in its usual spelling', `another one of ${url.hostname}`);
}

function publicOnly(lookup: LookupFunction): LookupFunction {
  return (name, options, done) => {
    lookup(name, options, (error, found, family) => {
      const addresses = typeof found === 'string' ? [found] : (found ?? []).map(({ address }) => address);
      done(error ?? namedProblem(name, addresses) ?? null, found, family);
    });
  };
}
