import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** All that has been given out for use on the internet (IANA, IPv6 Global Unicast Address Assignments). */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** Public by its number, and inside Azure's machines their platform (learn.microsoft.com, "What is IP address 168.63.129.16?"). */
const PLATFORM_ADDRESS = '168.63.129.16';

/**
 * Why an IP address is out of public reach, as a word for messages such as `private` or `link local`; undefined for a
 * public one. An address that carries another one (IPv4-mapped, 6to4, NAT64) is never public.
 */
export function whyNotPublic(address: string): string | undefined {
  if (isIP(address) === 0) return 'malformed';
  const parsed = ipaddr.parse(address);
  const range = parsed.range();
  if (range !== 'unicast') return range.replace(/(?<=[a-z\d])(?=[A-Z])/g, ' ').toLowerCase();
  const usual = parsed instanceof ipaddr.IPv6 ? parsed.match(GLOBAL_IPV6) : parsed.toString() !== PLATFORM_ADDRESS;
  return usual ? undefined : 'reserved';
}
