import { createHmac } from 'node:crypto';
import { createSignedTokens } from './signed-tokens.js';

export interface OpenedToken {
  linkId: string;
  /** Only within the grace that was asked for. */
  expired: boolean;
}

export interface VideoLinkTokens {
  /** The link's token. It is made from the link's row each time it is shown, and kept nowhere. */
  sign(link: { id: string; jobId: string; expiresAt: Date }): Promise<string>;
  /**
   * Whose link the token is. Throws UNAUTHENTICATED unless it is ours, made for this job's video, and expired at most
   * `graceSeconds` ago. Whether the link was revoked, its row says.
   */
  verify(token: string, jobId: string, graceSeconds: number): Promise<OpenedToken>;
  /** The name under which a viewer of a link is known again: nobody without the secret can tell the address from it. */
  viewer(linkId: string, from: { address: string; userAgent: string }): string;
}

/** Tokens of links to videos, signed by `secretKey`. */
export function createVideoLinkTokens(secretKey: string): VideoLinkTokens {
  const tokens = createSignedTokens(secretKey, 'video');
  return {
    sign: ({ id, jobId, expiresAt }) => tokens.sign({ subject: jobId, id, expiresAt }),
    async verify(token, jobId, graceSeconds) {
      const { id, expiresAt } = await tokens.verify(token, { subject: jobId, graceSeconds });
      return { linkId: id, expired: expiresAt.getTime() <= Date.now() };
    },
    viewer: (linkId, { address, userAgent }) =>
      createHmac('sha256', secretKey)
        .update(JSON.stringify(['viewer', linkId, address, userAgent]))
        .digest('base64url'),
  };
}
